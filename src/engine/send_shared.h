// What the send jobs of one engine share: permits for writes, and what they measured. Nothing
// durable, nothing that a restart needs. Which jobs run at all is decided before: job_queue.h.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <set>

#include "engine/pace.h"
#include "engine/ports.h"
#include "engine/task_group.h"
#include "engine/upload_rate.h"

namespace taubenpost {

// Element writes in flight, of all jobs that write.
struct SharedWrites {
  SharedWrites(boost::asio::any_io_executor executor, std::size_t window_)
      : window(window_), permits(executor, window_) {}
  const std::size_t window;
  Semaphore permits;
  std::uint64_t served = 0;             // the highest turn that was let go
  std::multiset<std::int64_t> ranks{};  // of the jobs at work (job_queue.h)
  std::size_t resting_jobs = 0;         // those whose batches all pause
};

struct SendShared {
  SendShared(boost::asio::any_io_executor executor_, const EngineOptions& options)
      : executor(executor_),
        body_writes(executor_, options.write_window),
        letter_writes(executor_, kLetterWrites) {}

  static constexpr std::size_t kLetterWrites = 4;

  boost::asio::any_io_executor executor;
  SharedWrites body_writes;
  Pace pace;
  UploadRate upload_rate;      // of body_writes
  SharedWrites letter_writes;  // of their own, so that no body holds up a letter

  // Puts what `upload_rate` has seen since the last time into `step`.
  Status keep_rate(const ports::Store& store, ports::Transaction& step);
};

// For one write: of its job's window, and of all.
struct WritePermit {
  Permit of_job, of_all;
};

// Whether a job lets another one run while all of its batches rest: one that has a place in the
// lane of those who share its writes.
enum class Resting : std::uint8_t { kLendsPlace, kKeepsPlace };

// What the batches of one job share.
class JobShare {
 public:
  // `shared` and `writes`, which is one of its, outlive this. `window`: writes of the job in
  // flight, or 0 for all there are.
  JobShare(const SendShared& shared, SharedWrites& writes, std::int64_t rank, std::uint32_t window,
           Resting resting);

  Semaphore& uploads() { return uploads_; }
  // Jobs take turns at writing. The first in rank has eight for each of another's, so that what
  // began first is done first; and nobody waits for ever.
  boost::asio::awaitable<WritePermit> next_write();
  // Around the run of a batch. No destructor does it: a hard stop unwinds the job first.
  void batch_begins() { count(1, 0); }
  void batch_ends() { count(-1, 0); }
  // A long pause of one batch.
  boost::asio::awaitable<void> rest(ports::Clock& clock, std::chrono::milliseconds duration);

 private:
  void count(int batches, int resting);
  static constexpr std::size_t kUploadingBatches = 2;  // hides the last answers of each

  Semaphore uploads_;
  Semaphore window_;
  SharedWrites& writes_;
  const std::int64_t rank_;
  const Resting rests_;
  int batches_ = 0, resting_ = 0;
  std::uint64_t asked_ = 0;  // turn of the last write
};

}  // namespace taubenpost
