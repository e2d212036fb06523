#include "localnet/scheduler.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>
#include <utility>

namespace taubenpost::localnet {
namespace {

class AsioScheduler final : public Scheduler {
 public:
  explicit AsioScheduler(boost::asio::io_context& io) : io_(io) {}

  std::uint64_t unix_ms() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<Milliseconds>(since).count());
  }
  std::uint64_t monotonic_ms() const override {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<Milliseconds>(since).count());
  }

  void post(Task task) override {
    boost::asio::post(io_, [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
      if (!alive.expired()) task();
    });
  }

  Timer after(Milliseconds delay, Task task) override {
    const Timer id = ++last_;
    auto& timer = timers_.try_emplace(id, io_, delay).first->second;
    timer.async_wait([this, id, alive = std::weak_ptr<bool>(alive_),
                      task = std::move(task)](const boost::system::error_code& error) {
      // A cancelled timer may have been due already: the table decides, not the error code.
      if (alive.expired() || error || timers_.erase(id) == 0) return;
      task();
    });
    return id;
  }

  void cancel(Timer timer) override { timers_.erase(timer); }

 private:
  boost::asio::io_context& io_;  // outlives this
  std::unordered_map<Timer, boost::asio::steady_timer> timers_;
  Timer last_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<Scheduler> make_asio_scheduler(boost::asio::io_context& io) {
  return std::make_unique<AsioScheduler>(io);
}

}  // namespace taubenpost::localnet
