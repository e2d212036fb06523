#include "localnet/scheduler.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/scaled_clock.h"

namespace taubenpost::localnet {
namespace {

using FineMs = std::chrono::duration<double, std::milli>;

class AsioScheduler final : public Scheduler {
 public:
  AsioScheduler(boost::asio::io_context& io, double time_scale)
      : io_(io), scale_(time_scale), wall_(time_scale), steady_(time_scale) {
    TP_CHECK(is_time_scale(time_scale));
  }

  std::uint64_t unix_ms() const override { return wall_.now_ms(); }
  std::uint64_t monotonic_ms() const override { return steady_.now_ms(); }

  void post(Task task) override {
    boost::asio::post(io_, [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
      if (!alive.expired()) task();
    });
  }

  Timer after(Milliseconds delay, Task task) override {
    const Timer id = ++last_;
    auto& timer = timers_.try_emplace(id, io_, real(delay)).first->second;
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
  using Real = boost::asio::steady_timer::duration;
  // Rounded up: whoever waits until a moment is not to wake before it.
  Real real(Milliseconds delay) const {
    constexpr FineMs kLongest = std::chrono::hours(24 * 365 * 100);
    return std::chrono::ceil<Real>(std::min(FineMs(delay) / scale_, kLongest));
  }

  boost::asio::io_context& io_;  // outlives this
  const double scale_;
  const ScaledClock<std::chrono::system_clock> wall_;
  const ScaledClock<std::chrono::steady_clock> steady_;
  std::unordered_map<Timer, boost::asio::steady_timer> timers_;
  Timer last_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<Scheduler> make_asio_scheduler(boost::asio::io_context& io, double time_scale) {
  return std::make_unique<AsioScheduler>(io, time_scale);
}

}  // namespace taubenpost::localnet
