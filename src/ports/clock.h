// Time and randomness as the engine sees them: real in the program, virtual in the simulator.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <span>

namespace taubenpost::ports {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since the Unix epoch; for stored times and deadlines across restarts.
  virtual std::uint64_t unix_ms() const = 0;
  // Milliseconds of a clock that never jumps; only differences mean something.
  virtual std::uint64_t monotonic_ms() const = 0;
  // Returns after `duration`, or at once when the coroutine is cancelled.
  virtual boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  virtual std::uint64_t below(std::uint64_t bound) = 0;  // uniform in [0, bound), bound > 0
};

}  // namespace taubenpost::ports
