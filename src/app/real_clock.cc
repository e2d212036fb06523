#include "app/real_clock.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "base/check.h"
#include "base/random.h"

namespace taubenpost {
namespace asio = boost::asio;
using std::chrono::milliseconds;

double time_scale() {
#ifdef TP_FAILPOINTS
  static const double scale = [] {
    const char* text = std::getenv("TP_TIME_SCALE");
    const double given = text == nullptr ? 1 : std::strtod(text, nullptr);
    TP_CHECK(given >= 1 && given <= 1000);
    return given;
  }();
  return scale;
#else
  return 1;
#endif
}

milliseconds really(milliseconds duration) {
  using FineMs = std::chrono::duration<double, std::milli>;
  return std::chrono::ceil<milliseconds>(FineMs(duration) / time_scale());
}

std::uint64_t RealClock::unix_ms() const { return wall_.now_ms(); }

std::uint64_t RealClock::monotonic_ms() const { return steady_.now_ms(); }

asio::awaitable<void> RealClock::sleep(milliseconds duration) {
  asio::steady_timer timer(executor_, really(duration));
  // A cancelled wait is an early return: the caller looks at its own flags.
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

void SystemRandom::fill(std::span<std::uint8_t> out) { fill_random(out); }

std::uint64_t SystemRandom::below(std::uint64_t bound) { return random_below(bound); }

}  // namespace taubenpost
