// BatchContent: what one batch carries, and how it is proved to have arrived.
//
// The steps of a batch (batch_job.h) are the same for a body, for a commit, and for the tombstones
// over them (retract_content.h); these differ only in where the bytes come from, where they go, and
// what has to be read back.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "bacap/capability.h"
#include "engine/ageing.h"
#include "engine/content_chunks.h"
#include "engine/ports.h"
#include "engine/steer_send.h"

namespace taubenpost {

// The input of one builder call, with what the daemon must answer.
struct Slice {
  std::vector<Bytes> payloads;
  std::vector<SecretBytes> write_caps;
  std::vector<IndexBytes> starts;
  std::vector<IndexBytes> expected_next;  // by our own computation, per destination
  std::uint32_t tombstones = 0;           // so many, and no payload, from the only start on
};

enum class Verdict : std::uint8_t {
  kArrived,  // read back and equal (or settled for each recipient)
  kMissing,  // not there: build again
};

class BatchContent {
 public:
  virtual ~BatchContent() = default;
  // Items of one builder call.
  virtual std::uint32_t slice_items() const = 0;
  // Items [row.built, row.built + count) of the batch.
  virtual Result<Slice> slice(const BatchRow& row, std::uint32_t count) = 0;
  // Asked before new work is started; kCancelled while the job is held.
  virtual Status may_start_work() const = 0;
  // Reads back what invariant 2 asks for. An error fails the job (kRejected, and kInvalid where to
  // try again is of no use) or stops the engine (kDaemonGone, store errors).
  virtual boost::asio::awaitable<Result<Verdict>> verify(BatchRow row) = 0;
  // The same after a courier could not get past envelope `failed` (from 1; 0: before the first):
  // what stands in the way there is an error, so that nobody runs into it for ever.
  virtual boost::asio::awaitable<Result<Verdict>> verify_refused(BatchRow row,
                                                                 std::uint64_t failed) = 0;
  // Nothing of it may be written any more; verify() then settles what is there.
  virtual bool expired() const = 0;
};

// Boxes of a body, in their order: the courier stops at the first failure, so that the last box
// proves all.
class BodyBoxes : public BatchContent {
 public:
  boost::asio::awaitable<Result<Verdict>> verify(BatchRow row) override;
  boost::asio::awaitable<Result<Verdict>> verify_refused(BatchRow row,
                                                         std::uint64_t failed) override;
  bool expired() const override { return false; }
  // One item, to be written straight to its place: a slice of one.
  virtual Result<Slice> box(const BatchRow& row, std::uint32_t item);
  // Reads one item back; errors as verify().
  virtual boost::asio::awaitable<Result<Verdict>> read_back(BatchRow row, std::uint32_t item) = 0;
};

// Whether a box holds this chunk of ours; errors as BatchContent::verify(). `where`: of what it is.
boost::asio::awaitable<Result<Verdict>> read_chunk_back(EnginePorts ports, bacap::ReadCap cap,
                                                        IndexBytes index, Bytes expected,
                                                        std::string where);

// The body of a transfer.
class BodyContent : public BodyBoxes {
 public:
  BodyContent(const SendJobRow& job, EnginePorts ports)
      : job_(job), chunks_(job, ports.files), ports_(ports) {}
  std::uint32_t slice_items() const override { return job_.plan.slice_chunks; }
  Result<Slice> slice(const BatchRow& row, std::uint32_t count) override;
  Status may_start_work() const override { return taubenpost::may_start_work(ports_, job_.id); }
  boost::asio::awaitable<Result<Verdict>> read_back(BatchRow row, std::uint32_t item) override;

 private:
  const SendJobRow job_;
  ContentChunks chunks_;
  EnginePorts ports_;
};

// The letters of a commit, with their frozen bytes and reserved positions.
class CommitContent : public BatchContent {
 public:
  CommitContent(const SendJobRow& job, EnginePorts ports, const EngineOptions& options)
      : job_(job.id),
        layout_(job.layout),
        until_(job.until),
        slice_items_(options.slice_chunks),
        ports_(ports) {}
  std::uint32_t slice_items() const override { return slice_items_; }
  Result<Slice> slice(const BatchRow& row, std::uint32_t count) override;
  Status may_start_work() const override { return taubenpost::may_start_work(ports_, job_); }
  boost::asio::awaitable<Result<Verdict>> verify(BatchRow row) override;
  boost::asio::awaitable<Result<Verdict>> verify_refused(BatchRow row,
                                                         std::uint64_t failed) override;
  // The letters of recipients 0 … count - 1, each straight into its channel and read back before
  // the next one is written.
  boost::asio::awaitable<Status> write_each(std::uint32_t count);
  bool expired() const override { return is_too_late(ports_.clock.unix_ms() / 1000, until_); }

 private:
  std::uint64_t patience_ms() const;
  boost::asio::awaitable<Status> settle_all(std::uint64_t first, std::uint32_t count,
                                            bool is_written);
  boost::asio::awaitable<Status> settle(RecipientRow recipient, bool is_written);
  boost::asio::awaitable<Result<ports::ReadResult>> read_letter(RecipientRow recipient,
                                                                std::uint64_t lag_ms);
  boost::asio::awaitable<Result<ports::WriteResult>> write_letter(RecipientRow recipient);
  boost::asio::awaitable<Status> reserve_next(RecipientRow recipient);
  boost::asio::awaitable<Status> move(RecipientRow row, RecipientEvent event, std::string note);

  const JobId job_;
  const Layout layout_;
  const std::uint64_t until_;
  const std::uint32_t slice_items_;
  EnginePorts ports_;
};

}  // namespace taubenpost
