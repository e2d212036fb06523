// One worker that does things one after the other, each for a time (thin-protocol 8.3: the daemon
// decrypts answers on one worker for all clients).
#pragma once

#include <algorithm>
#include <utility>

#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class SerialWorker {
 public:
  // The scheduler outlives the worker.
  explicit SerialWorker(Scheduler& scheduler) : scheduler_(scheduler) {}

  // Runs `task` when everything before it is done and `time` has passed; at once if it takes none.
  void run(Milliseconds time, Task task) {
    if (time.count() <= 0) return task();
    const std::uint64_t now = scheduler_.monotonic_ms();
    free_at_ = std::max(free_at_, now) + static_cast<std::uint64_t>(time.count());
    scheduler_.after(Milliseconds(free_at_ - now), std::move(task));
  }

 private:
  Scheduler& scheduler_;
  std::uint64_t free_at_ = 0;  // monotonic
};

}  // namespace taubenpost::localnet
