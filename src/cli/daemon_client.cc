#include "cli/daemon_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <future>
#include <thread>

namespace taubenpost::cli {
namespace asio = boost::asio;

// Waits for the first signal on a thread of its own.
class DaemonClient::Watch {
 public:
  Watch(Context& context, thin::BlockingClient& client) {
    signals_.async_wait([&](const boost::system::error_code& failed, int number) {
      if (failed) return;
      signals_.clear();  // the next one does what it does to every program
      context.note_signal(number);
      stop_.set_value();
      client.close();
    });
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Watch() {
    io_.stop();
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  bool is_stopped_within(std::chrono::milliseconds time) const {
    return stopped_.wait_for(time) == std::future_status::ready;
  }

 private:
  asio::io_context io_;
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
  std::promise<void> stop_;
  std::future<void> stopped_ = stop_.get_future();
  std::thread thread_;
};

DaemonClient::DaemonClient(Context& context, thin::Options options)
    : BlockingClient(std::move(options)), watch_(std::make_unique<Watch>(context, *this)) {}
DaemonClient::~DaemonClient() = default;

Status DaemonClient::pause(std::chrono::milliseconds time) {
  if (watch_->is_stopped_within(time)) return error(Errc::kCancelled, "stopped by a signal");
  return ok();
}

}  // namespace taubenpost::cli
