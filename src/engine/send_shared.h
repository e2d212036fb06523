// What the send jobs of one engine share: permits, and what they measured. Nothing durable, nothing
// that a restart needs.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "engine/pace.h"
#include "engine/ports.h"
#include "engine/task_group.h"

namespace taubenpost {

struct SendShared {
  SendShared(boost::asio::any_io_executor executor_, const EngineOptions& options)
      : executor(executor_),
        uploading_jobs(executor_, kUploadingJobs),
        writes(executor_, options.write_window) {}

  static constexpr std::uint32_t kUploadingJobs = 2;
  static constexpr std::uint32_t kUploadingBatches = 2;  // of one job: hides the last answers

  boost::asio::any_io_executor executor;
  Semaphore uploading_jobs;  // jobs that upload bodies
  Semaphore writes;          // element writes in flight
  Pace pace;
};

// What the batches of one job share.
struct JobPermits {
  JobPermits(const SendShared& shared, const SendJobRow& job, const EngineOptions& options)
      : uploads(shared.executor, SendShared::kUploadingBatches),
        writes(shared.executor, job.window == 0 ? options.write_window : job.window) {}

  Semaphore uploads;  // batches that upload
  Semaphore writes;   // their writes in flight
};

}  // namespace taubenpost
