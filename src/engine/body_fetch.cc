#include "engine/body_fetch.h"

#include <algorithm>

#include "bacap/capability.h"
#include "base/failpoint.h"
#include "engine/index_steps.h"
#include "engine/read_surely.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

// How long a box that must exist may hide behind lagging shards and cached answers.
constexpr std::uint64_t kLagMs = 10ULL * 60 * 1000;
// One sync and one commit for so many chunks.
constexpr std::size_t kMarkEvery = 64;
// How far chunks may run ahead of one that is missing: bounds the row.
constexpr std::uint64_t kSpanMax = 1024;

Error lost(const char* why, ChunkIndex chunk) {
  return error(Errc::kRejected,
               std::string(why) + " (box " + std::to_string(chunk.value()) + " of the body)",
               "ask the sender to send it again");
}

}  // namespace

BodyFetch::BodyFetch(const ReceiveJobRow& row, const BodyShape& shape, EnginePorts ports,
                     const EngineOptions& options, ports::PartFile& part,
                     asio::any_io_executor executor)
    : job_(row.id),
      shape_(shape),
      ports_(ports),
      options_(options),
      part_(part),
      next_(row.prefix),
      next_index_(row.prefix_index),
      prefix_(row.prefix),
      beyond_(row.beyond),
      readers_(std::move(executor)) {}

asio::awaitable<Status> BodyFetch::run() {
  for (;;) {
    while (may_start()) {
      Status started = start_next();
      if (!started && !failure_) failure_ = started.error();
    }
    const bool idle = readers_.running() == 0;
    if (!failure_ && (unmarked_.size() >= kMarkEvery || (idle && !unmarked_.empty()))) {
      Status marked = co_await mark();
      if (!marked && !failure_) failure_ = marked.error();
      continue;
    }
    if (idle) break;
    co_await readers_.wait_for_one();
  }
  if (failure_) co_return *failure_;
  TP_CHECK(prefix_ == shape_.boxes.value());
  co_return ok();
}

bool BodyFetch::may_start() const {
  return !failure_ && next_.value() < shape_.boxes.value() && next_.value() - prefix_ < kSpanMax &&
         readers_.running() < options_.read_window;
}

// Starts the read of the next chunk, or steps over one that an earlier run has marked.
Status BodyFetch::start_next() {
  const ChunkIndex chunk = next_;
  const IndexBytes index = next_index_;
  next_ = ChunkIndex{chunk.value() + 1};
  if (next_.value() < shape_.boxes.value()) {
    Result<IndexBytes> following = advanced(index, 1);
    if (!following) return following.error();
    next_index_ = following.value();
  }
  if (!std::binary_search(beyond_.begin(), beyond_.end(), chunk.value()))
    readers_.spawn(fetch_chunk(chunk, index));
  return ok();
}

asio::awaitable<void> BodyFetch::fetch_chunk(ChunkIndex chunk, IndexBytes index) {
  Bytes read_cap(shape_.read_cap.begin(), shape_.read_cap.end());
  Result<ports::ReadResult> read = co_await read_surely(ports_, std::move(read_cap), index, kLagMs);
  if (failure_) co_return;
  Status taken = read ? take(chunk, read.value()) : Status(read.error());
  if (!taken) failure_ = taken.error();
}

Status BodyFetch::take(ChunkIndex chunk, const ports::ReadResult& read) {
  switch (read.outcome) {
    case Outcome::kOk:
      break;
    case Outcome::kTombstone:
      return lost("retracted by sender", chunk);
    case Outcome::kNotFound:
      return lost("missing: it aged out or was never stored", chunk);
    case Outcome::kUnreadable:
    case Outcome::kReencrypt:
      return lost("unreadable: it does not decrypt", chunk);
    case Outcome::kTaken:
    case Outcome::kRetry:
    case Outcome::kStorageFull:
    case Outcome::kRejected:
      return error(Errc::kRejected, "reading the body was refused: " + printable(read.detail));
  }
  if (read.plaintext.size() != length_of(chunk, shape_.size, shape_.chunk).value())
    return lost("other bytes than the letter promises: wrong length", chunk);
  Status written = part_.write_at(offset_of(chunk, shape_.chunk).value(), read.plaintext);
  if (!written) {
    file_failed_ = true;
    return written;
  }
  unmarked_.push_back(chunk.value());
  return ok();
}

// Makes what was written durable, then says so in the row: in this order, or a crash between would
// leave a hole that nobody fills.
asio::awaitable<Status> BodyFetch::mark() {
  Status synced = part_.sync();
  if (!synced) {
    file_failed_ = true;
    co_return synced;
  }
  beyond_.insert(beyond_.end(), unmarked_.begin(), unmarked_.end());
  unmarked_.clear();
  std::sort(beyond_.begin(), beyond_.end());

  Result<ReceiveJobRow> row = ports_.store.receive_job(job_);
  if (!row) co_return row.error();
  if (row->state != ReceiveState::kFetching || row->prefix != prefix_)
    co_return error(Errc::kStateConflict, "the receive job was changed by somebody else");
  auto reached = beyond_.begin();
  for (; reached != beyond_.end() && *reached == prefix_; ++reached) {
    ++prefix_;
    if (prefix_ == shape_.boxes.value()) continue;  // there may be no index after the last box
    Result<IndexBytes> following = advanced(row->prefix_index, 1);
    if (!following) co_return following.error();
    row->prefix_index = following.value();
  }
  beyond_.erase(beyond_.begin(), reached);
  row->prefix = prefix_;
  row->beyond = beyond_;
  Transaction step;
  step.update(std::move(row).value());
  TP_FAILPOINT("receive.chunks.before_mark");
  Status marked = co_await ports_.store.commit(std::move(step));
  TP_FAILPOINT("receive.chunks.marked");
  co_return marked;
}

}  // namespace taubenpost
