// Clock and randomness of the operating system, for the program itself.
//
// In the fault build, TP_TIME_SCALE=N (1 to 1000) lets N seconds of the program pass in one real
// second, so that tests with real processes need not wait: both clocks, sleeps, and in the adapter
// to the daemon what waits for the network. What waits for a process of this machine stays real.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "base/scaled_clock.h"
#include "ports/clock.h"

namespace taubenpost {

// The factor; 1 outside the fault build.
double time_scale();
// How long `duration` of the program's time really is, rounded up to whole milliseconds.
std::chrono::milliseconds really(std::chrono::milliseconds duration);

// `executor` is the one of the thread that calls sleep().
class RealClock : public ports::Clock {
 public:
  explicit RealClock(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  std::uint64_t unix_ms() const override;
  std::uint64_t monotonic_ms() const override;
  boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override;

 private:
  boost::asio::any_io_executor executor_;
  const ScaledClock<std::chrono::system_clock> wall_{time_scale()};
  const ScaledClock<std::chrono::steady_clock> steady_{time_scale()};
};

class SystemRandom : public ports::Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t below(std::uint64_t bound) override;
};

}  // namespace taubenpost
