// Clock and randomness of the operating system, for the program itself.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "ports/clock.h"

namespace taubenpost {

// `executor` is the one of the thread that calls sleep().
class RealClock : public ports::Clock {
 public:
  explicit RealClock(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  std::uint64_t unix_ms() const override;
  std::uint64_t monotonic_ms() const override;
  boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override;

 private:
  boost::asio::any_io_executor executor_;
};

class SystemRandom : public ports::Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t below(std::uint64_t bound) override;
};

}  // namespace taubenpost
