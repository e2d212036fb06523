// DirectBatch: writes the boxes of one batch straight into the body, without a copy (design 4.2),
// chunks or the tombstones over them.
//
// Each write is confirmed by a replica. What is durable is the set of confirmed boxes; writing one
// again is harmless, since a box of the body never has other bytes until it is retracted. Safe to
// kill at any instruction.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>

#include "engine/batch_content.h"
#include "engine/send_shared.h"

namespace taubenpost {

class DirectBatch {
 public:
  // `shared`, `share` and `body` outlive this.
  DirectBatch(JobId job, BatchIndex index, EnginePorts ports, SendShared& shared, JobShare& share,
              BodyBoxes& body)
      : job_(job), index_(index), ports_(ports), shared_(shared), share_(share), body_(body) {}

  // Returns when the batch is done. Errors as BodyBoxes::read_back and may_start_work.
  boost::asio::awaitable<Status> run();

 private:
  boost::asio::awaitable<Status> write(BatchRow row);
  boost::asio::awaitable<Status> verify(BatchRow row);
  boost::asio::awaitable<Status> mark(BatchRow& row);
  boost::asio::awaitable<void> write_box(std::uint32_t item);
  boost::asio::awaitable<Status> write_until_stored(std::uint32_t item);
  boost::asio::awaitable<Result<ports::WriteResult>> write_once(std::uint32_t item);
  boost::asio::awaitable<ports::WriteResult> send(Slice box);

  const JobId job_;
  const BatchIndex index_;
  EnginePorts ports_;
  SendShared& shared_;
  JobShare& share_;
  BodyBoxes& body_;

  // Of the step that runs.
  BatchRow place_;              // where the batch is in the body
  Bytes confirmed_;             // 1 for each box that a replica has
  std::uint32_t unmarked_ = 0;  // of these: not durable yet
  std::optional<Error> error_;  // the first one; children stop when they see it
};

}  // namespace taubenpost
