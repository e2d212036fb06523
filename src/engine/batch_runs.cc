#include "engine/batch_runs.h"

#include "engine/batch_job.h"
#include "engine/direct_batch.h"

namespace taubenpost {
namespace asio = boost::asio;

void BatchRuns::copy(BatchIndex index, BatchContent& content) {
  running_.spawn(run_copied(index, content));
}

asio::awaitable<Status> BatchRuns::run_body(std::vector<BatchIndex> open, OpenNext open_next,
                                            BodyBoxes& body, Way way) {
  const auto go_on = [&](BatchIndex index) {
    running_.spawn(way == Way::kDirect ? run_direct(index, body) : run_copied(index, body));
  };
  for (const BatchIndex index : open) go_on(index);
  Status opening = ok();
  while (!error_) {
    if (running_.running() >= options_.active_batches) {
      co_await running_.wait_for_one();
      continue;
    }
    Result<std::optional<BatchIndex>> next = co_await open_next();
    if (!next) opening = next.error();
    if (!next || !*next) break;
    go_on(**next);
  }
  Status ran = co_await join();
  if (!ran) co_return ran;
  co_return opening;
}

asio::awaitable<Status> BatchRuns::join() {
  co_await running_.join();
  if (error_) co_return *error_;
  co_return ok();
}

asio::awaitable<void> BatchRuns::run_copied(BatchIndex index, BatchContent& content) {
  share_.batch_begins();
  BatchJob batch(job_, index, ports_, options_, shared_, share_, content);
  Status done = co_await batch.run();
  share_.batch_ends();
  if (!done && !error_) error_ = done.error();
}

asio::awaitable<void> BatchRuns::run_direct(BatchIndex index, BodyBoxes& body) {
  share_.batch_begins();
  DirectBatch batch(job_, index, ports_, shared_, share_, body);
  Status done = co_await batch.run();
  share_.batch_ends();
  if (!done && !error_) error_ = done.error();
}

}  // namespace taubenpost
