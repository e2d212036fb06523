// BatchRuns: the batches of one job side by side, each by its way, and the first error of any.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "engine/batch_content.h"
#include "engine/send_shared.h"

namespace taubenpost {

class BatchRuns {
 public:
  // `rank` among those who share `writes`, one of `shared`'s. What is referred to outlives this.
  BatchRuns(const SendJobRow& job, std::int64_t rank, SharedWrites& writes, EnginePorts ports,
            const EngineOptions& options, SendShared& shared,
            Resting resting = Resting::kLendsPlace)
      : job_(job.id),
        ports_(ports),
        options_(options),
        shared_(shared),
        share_(shared, writes, rank, job.window, resting),
        running_(shared.executor) {}

  // By copy commands. `content` lives until join().
  void copy(BatchIndex index, BatchContent& content);

  // Puts the next batch into the store and gives its index; none: all of them are there.
  using OpenNext = std::function<boost::asio::awaitable<Result<std::optional<BatchIndex>>>()>;
  // Goes on with the batches of a body that are open, and opens the others in order, a few of them
  // at a time. The first error, when all that were begun have ended.
  boost::asio::awaitable<Status> run_body(std::vector<BatchIndex> open, OpenNext open_next,
                                          BodyBoxes& body, Way way);

  // The first error, when all have ended.
  boost::asio::awaitable<Status> join();

 private:
  boost::asio::awaitable<void> run_copied(BatchIndex index, BatchContent& content);
  boost::asio::awaitable<void> run_direct(BatchIndex index, BodyBoxes& body);

  const JobId job_;
  EnginePorts ports_;
  const EngineOptions& options_;
  SendShared& shared_;
  JobShare share_;
  std::optional<Error> error_;
  TaskGroup running_;  // last: nothing that its children use dies before it
};

}  // namespace taubenpost
