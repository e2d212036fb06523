#include "app/real_clock.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/random.h"

namespace taubenpost {
namespace asio = boost::asio;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::uint64_t RealClock::unix_ms() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(now).count());
}

std::uint64_t RealClock::monotonic_ms() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(now).count());
}

asio::awaitable<void> RealClock::sleep(milliseconds duration) {
  asio::steady_timer timer(executor_, duration);
  // A cancelled wait is an early return: the caller looks at its own flags.
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

void SystemRandom::fill(std::span<std::uint8_t> out) { fill_random(out); }

std::uint64_t SystemRandom::below(std::uint64_t bound) { return random_below(bound); }

}  // namespace taubenpost
