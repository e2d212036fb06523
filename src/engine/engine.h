// Engine: goes on with every unfinished job of the store until nothing is left to do.
//
// It starts from the store alone, so that "resume" and "run" are the same code. One job that fails
// never stops another. Safe to destroy or kill at any instruction.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "engine/ports.h"

namespace taubenpost {

struct RunSummary {
  std::size_t finished = 0;  // jobs that reached posted, placed or retracted in this run
  std::size_t failed = 0;    // jobs that reached failed in this run
  std::size_t blocked = 0;   // jobs that can't go on now: another geometry, no target folder
  std::size_t later = 0;     // jobs whose time has not come
};

// Waits for the daemon (kDaemonLimitMs). The first connection binds the store to its network; later
// ones must be to the same. Errors: kDaemonGone, kRefused (another network), store errors.
boost::asio::awaitable<Result<ports::NetworkView>> connect_to_network(EnginePorts ports);

class Engine {
 public:
  Engine(EnginePorts ports, EngineOptions options) : ports_(ports), options_(options) {}

  // Runs retractions, those of what has expired among them, send jobs and receive jobs to their
  // ends, in the order of job_queue.h; leaves those that are paused or held (held.h). Errors:
  // kDaemonGone (no daemon within the limit; all jobs stay as they are), kRefused (another network
  // than the store's), kStoreBad, kStoreIo, kDiskFull. A job whose time comes while others run
  // takes its turn; nobody waits for it alone.
  boost::asio::awaitable<Result<RunSummary>> run_until_idle();
  // The same, but waits for the time of this job.
  boost::asio::awaitable<Result<RunSummary>> run_until_ended(JobId id);

 private:
  EnginePorts ports_;
  EngineOptions options_;
};

}  // namespace taubenpost
