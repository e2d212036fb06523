// BatchJob: drives one batch from wherever the store says it is to done (design 4.2).
//
// An element is stored before it is first written, and is written with the same bytes for ever; a
// generation that may be spoiled is abandoned for a new temporary sequence. Safe to kill at any
// instruction: run() on a fresh BatchJob goes on from the store.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bacap/capability.h"
#include "engine/batch_content.h"
#include "engine/send_shared.h"

namespace taubenpost {

class BatchJob {
 public:
  // `shared`, `share` (what the batches of the job have in common) and `content` outlive this.
  BatchJob(JobId job, BatchIndex index, EnginePorts ports, const EngineOptions& options,
           SendShared& shared, JobShare& share, BatchContent& content)
      : job_(job),
        index_(index),
        ports_(ports),
        options_(options),
        shared_(shared),
        share_(share),
        content_(content) {}

  // Returns when the batch is done. Errors as BatchContent::verify and may_start_work.
  boost::asio::awaitable<Status> run();

 private:
  boost::asio::awaitable<Status> open(BatchRow row);
  boost::asio::awaitable<Status> upload(BatchRow row);
  boost::asio::awaitable<Status> copy(BatchRow row);
  boost::asio::awaitable<Status> verify(BatchRow row);

  boost::asio::awaitable<Status> prepare_generation(const BatchRow& row);
  boost::asio::awaitable<Status> build_slices(BatchRow& row, TaskGroup& writers);
  boost::asio::awaitable<Status> store_slice(BatchRow& row, std::uint32_t count,
                                             ports::BuiltElements built);
  boost::asio::awaitable<Result<ports::BuiltElements>> build_slice(const BatchRow& row,
                                                                   std::uint32_t count);
  boost::asio::awaitable<Result<ports::BuiltElements>> call_builder(const BatchRow& row,
                                                                    const Slice& slice,
                                                                    bool is_last);
  boost::asio::awaitable<void> write_element(ElementIndex element, bool confirmed);
  boost::asio::awaitable<Status> write_until_taken(ElementIndex element, bool confirmed);
  boost::asio::awaitable<Status> rewrite_elements(const BatchRow& row);
  boost::asio::awaitable<Status> await_copy(BatchRow row);
  boost::asio::awaitable<Status> copied(BatchRow row);
  boost::asio::awaitable<Status> after_silence(BatchRow row);
  boost::asio::awaitable<Status> after_failure(BatchRow row, ports::CopyResult result);
  boost::asio::awaitable<Status> to_another_courier(BatchRow row, std::string why);
  boost::asio::awaitable<Status> close(BatchRow row);
  boost::asio::awaitable<Status> respin(BatchRow row, std::string why,
                                        std::uint64_t least_pause_ms = 0);
  boost::asio::awaitable<Result<CourierRow>> choose_courier(std::vector<CourierRow> except);

  Status advance_temporary_to(std::uint32_t elements);

  const JobId job_;
  const BatchIndex index_;
  EnginePorts ports_;
  const EngineOptions& options_;
  SendShared& shared_;
  JobShare& share_;
  BatchContent& content_;

  // Of the open generation; made again from the stored seed whenever a step begins.
  Generation generation_{0};
  std::optional<bacap::WriteCap> temporary_;
  std::vector<IndexBytes> temporary_indices_;
  bool spoiled_ = false;  // an element position holds something else
  std::optional<Error> write_error_;
};

}  // namespace taubenpost
