// Batches of tombstones: over the letters of a transfer, and over its body.
//
// A tombstone wins in either order: replicas put it over what is there, and refuse what comes after
// it. So a courier that still runs a copy of what is called back can undo nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <utility>
#include <vector>

#include "engine/batch_content.h"

namespace taubenpost {

// Tombstones at the positions of recipients, each in another channel. Items of a batch are places
// in `letters` of the retraction.
class LetterTombstones : public BatchContent {
 public:
  LetterTombstones(const RetractJobRow& job, EnginePorts ports)
      : job_(job.job), letters_(job.letters), ports_(ports) {}
  std::uint32_t slice_items() const override { return 1; }  // a builder call is for one sequence
  Result<Slice> slice(const BatchRow& row, std::uint32_t count) override;
  Status may_start_work() const override { return ok(); }
  boost::asio::awaitable<Result<Verdict>> verify(BatchRow row) override;
  boost::asio::awaitable<Result<Verdict>> verify_refused(BatchRow row,
                                                         std::uint64_t failed) override;
  bool expired() const override { return false; }

  // Makes sure of every letter of [first, first + count), by writes of their own where that is
  // needed, and says so in the rows of the recipients. The first failure, after all were tried.
  boost::asio::awaitable<Status> settle(std::uint64_t first, std::uint64_t count);

 private:
  Result<RecipientRow> recipient(std::uint64_t item) const;
  boost::asio::awaitable<Status> settle_one(RecipientRow recipient);

  const JobId job_;
  const std::vector<std::uint64_t> letters_;
  EnginePorts ports_;
};

// Tombstones over boxes [first, first + count) of a job's bodies, or of its content in channels.
// That is counted channel by channel here, and each batch is for one sequence.
class BodyTombstones : public BodyBoxes {
 public:
  BodyTombstones(SendJobRow job, EnginePorts ports, const EngineOptions& options)
      : slice_items_(options.slice_chunks), job_(std::move(job)), ports_(ports) {}
  std::uint32_t slice_items() const override { return slice_items_; }
  Result<Slice> slice(const BatchRow& row, std::uint32_t count) override;
  Status may_start_work() const override { return ok(); }
  boost::asio::awaitable<Result<Verdict>> read_back(BatchRow row, std::uint32_t item) override;

 private:
  Result<bacap::WriteCap> sequence_of(const BatchRow& row) const;

  const std::uint32_t slice_items_;
  const SendJobRow job_;
  EnginePorts ports_;
};

}  // namespace taubenpost
