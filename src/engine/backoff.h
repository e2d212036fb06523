// Backoff: growing pauses with jitter between attempts of one step.
//
// 0.5 s, 1 s, 2 s … up to the limit, each drawn between half and all of it, so that jobs which
// failed together do not come back together.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>

#include "engine/ports.h"

namespace taubenpost {

class Backoff {
 public:
  explicit Backoff(EnginePorts ports, std::uint64_t first_ms = 500, std::uint64_t limit_ms = 30'000)
      : ports_(ports), next_ms_(first_ms), limit_ms_(limit_ms) {}

  boost::asio::awaitable<void> pause() {
    ++attempts_;
    const std::uint64_t pause_ms = next_ms_ / 2 + ports_.random.below(next_ms_ / 2 + 1);
    waited_ms_ += pause_ms;
    next_ms_ = std::min(next_ms_ * 2, limit_ms_);
    co_await ports_.clock.sleep(std::chrono::milliseconds(pause_ms));
  }
  unsigned attempts() const { return attempts_; }
  std::uint64_t waited_ms() const { return waited_ms_; }

 private:
  EnginePorts ports_;
  std::uint64_t next_ms_;
  std::uint64_t limit_ms_;
  std::uint64_t waited_ms_ = 0;
  unsigned attempts_ = 0;
};

// After a local call failed: returns ok when it may be tried again (the daemon was not ready, or
// was gone and is back), else the error to give up with.
inline boost::asio::awaitable<Status> wait_to_retry(EnginePorts ports, Error failure,
                                                    Backoff& backoff) {
  if (failure.code != Errc::kTemporary && failure.code != Errc::kDaemonGone) co_return failure;
  co_await backoff.pause();
  Result<ports::NetworkView> back = co_await ports.network.view(kDaemonLimitMs);
  if (!back) co_return back.error();
  co_return ok();
}

// After a write that was not taken: returns ok when it may be made again, else the error to give up
// with. What a taken box means (kTaken) is the caller's to find out.
inline boost::asio::awaitable<Status> wait_to_write_again(EnginePorts ports,
                                                          ports::WriteResult result,
                                                          Backoff& backoff) {
  switch (result.outcome) {
    case ports::Outcome::kOk:
    case ports::Outcome::kReencrypt:
      break;  // the next round encrypts the same bytes again
    case ports::Outcome::kRetry:
    case ports::Outcome::kStorageFull: {
      Result<ports::NetworkView> alive = co_await ports.network.view(kDaemonLimitMs);
      if (!alive) co_return alive.error();
      break;
    }
    case ports::Outcome::kTaken:
    case ports::Outcome::kNotFound:
    case ports::Outcome::kTombstone:
    case ports::Outcome::kUnreadable:
    case ports::Outcome::kRejected:
      co_return error(Errc::kRejected, "a write was refused: " + result.detail);
  }
  co_await backoff.pause();
  co_return ok();
}

}  // namespace taubenpost
