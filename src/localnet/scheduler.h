// Time and deferred work as the local network sees them.
//
// Everything in the network that waits (retransmissions, back-offs, polls, time limits) goes
// through this port, so that a test moves time by hand and never sleeps, and a network can run
// faster or slower than the world. One thread; a deferred call never runs inside the call that
// defers it, and never after the scheduler is gone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "localnet/knobs.h"

namespace taubenpost::localnet {

using Task = std::function<void()>;

class Scheduler {
 public:
  using Timer = std::uint64_t;  // 0 is never handed out

  virtual ~Scheduler() = default;
  // Milliseconds since the Unix epoch: decides mix and replica epochs.
  virtual std::uint64_t unix_ms() const = 0;
  // Milliseconds of a clock that never jumps: decides ages.
  virtual std::uint64_t monotonic_ms() const = 0;
  // Runs the task soon, after the work that is already waiting.
  virtual void post(Task task) = 0;
  // Runs the task once after `delay`.
  virtual Timer after(Milliseconds delay, Task task) = 0;
  // Forgets a timer; one that is unknown or has run is no mistake.
  virtual void cancel(Timer timer) = 0;
};

// After a delay, or soon if there is none.
inline void defer(Scheduler& scheduler, Milliseconds delay, Task task) {
  if (delay.count() > 0)
    scheduler.after(delay, std::move(task));
  else
    scheduler.post(std::move(task));
}

// How many seconds of a network may pass in one real second.
inline constexpr double kTimeScaleMin = 0.001, kTimeScaleMax = 1000;
inline bool is_time_scale(double scale) { return scale >= kTimeScaleMin && scale <= kTimeScaleMax; }

// The real thing, on an io_context that outlives it. Both clocks and all delays are the network's:
// they begin with the real ones and pass `time_scale` times as fast.
std::unique_ptr<Scheduler> make_asio_scheduler(boost::asio::io_context& io, double time_scale = 1);

}  // namespace taubenpost::localnet
