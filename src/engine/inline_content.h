// The content of an inline job, for all its channels side by side.
//
// Boxes are counted chunk by chunk, and for each chunk recipient by recipient: box b of the job is
// chunk b / recipients in the channel of recipient b % recipients, behind its header. A batch is a
// range of that count, so that its limits hold for all destinations together; a copy writes in this
// order and stops at the first box that it can't write, so that the last one proves all.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "engine/batch_content.h"
#include "engine/index_steps.h"

namespace taubenpost {

class InlineContent : public BodyBoxes {
 public:
  // `recipients` are all of the job's, with their positions.
  InlineContent(const SendJobRow& job, std::vector<RecipientRow> recipients, EnginePorts ports);
  std::uint32_t slice_items() const override { return slice_items_; }
  Result<Slice> slice(const BatchRow& row, std::uint32_t count) override;
  Result<Slice> box(const BatchRow& row, std::uint32_t item) override;
  Status may_start_work() const override { return taubenpost::may_start_work(ports_, job_); }
  boost::asio::awaitable<Result<Verdict>> read_back(BatchRow row, std::uint32_t item) override;

 private:
  const JobId job_;
  const std::uint32_t slice_items_;
  const std::vector<RecipientRow> recipients_;
  std::vector<IndexWalk> walks_;  // of each recipient, from the header on
  ContentChunks chunks_;
  EnginePorts ports_;
};

}  // namespace taubenpost
