#include "engine/stream_fetch.h"

#include <algorithm>

#include "bacap/capability.h"
#include "base/failpoint.h"
#include "engine/incoming.h"
#include "engine/index_steps.h"
#include "engine/read_surely.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

// How long a run waits for a box: its sender may still be writing the stream, for days.
constexpr std::uint64_t kPatienceMs = 60ULL * 1000;
// One sync and one commit for so many boxes.
constexpr std::size_t kMarkEvery = 64;

Result<std::uint64_t> counter_of(const IndexBytes& index) {
  const Result<bacap::MessageBoxIndex> at = bacap::MessageBoxIndex::parse(index);
  if (!at) return at.error();
  return at->counter();
}

Error lost(const char* why, const IndexBytes& position) {
  const Result<std::uint64_t> counter = counter_of(position);
  return error(Errc::kRejected,
               std::string(why) + " (position " + (counter ? std::to_string(*counter) : "?") +
                   " of the channel)",
               "ask the sender to send it again");
}

}  // namespace

StreamFetch::StreamFetch(const ReceiveJobRow& row, StreamShape shape, EnginePorts ports,
                         const EngineOptions& options, ports::PartFile& part,
                         asio::any_io_executor executor)
    : job_(row.id),
      shape_(std::move(shape)),
      ports_(ports),
      options_(options),
      part_(part),
      offset_(row.prefix),
      position_(row.prefix_index),
      ahead_index_(row.prefix_index),
      readers_(std::move(executor)) {}

asio::awaitable<Status> StreamFetch::run() {
  if (offset_ == 0 && !shape_.head.empty()) {
    Status written = write(shape_.head);
    if (!written) failure_ = written.error();
  }
  for (;;) {
    while (may_start()) {
      Status started = start_next();
      if (!started) failure_ = started.error();
    }
    for (; !has_ended() && !ahead_.empty() && ahead_.front().answer; ahead_.pop_front()) {
      Status taken = take(ahead_.front());
      if (!taken) failure_ = taken.error();
    }
    const bool is_end = has_ended() && readers_.running() == 0;
    // What came before a failure is marked as well: the channel goes on behind it.
    if (!file_failed_ && (unmarked_ >= kMarkEvery || (is_end && is_dirty_))) {
      Status done = co_await mark();
      if (!done && !failure_) failure_ = done.error();
    }
    if (is_end) break;
    if (has_ended() || (!may_start() && !ahead_.front().answer)) co_await readers_.wait_for_one();
  }
  if (failure_) co_return *failure_;
  TP_CHECK(waits_ || offset_ == shape_.size);
  co_return ok();
}

// Even if all that are being read were full, there would have to be another one.
bool StreamFetch::may_start() const {
  return !has_ended() && ahead_.size() < options_.read_window &&
         ahead_.size() * shape_.box_max < shape_.size - offset_;
}

Status StreamFetch::start_next() {
  const IndexBytes index = ahead_index_;
  Result<IndexBytes> following = advanced(index, 1);
  if (!following) return lost("the channel ends within the stream", index);
  ahead_index_ = *following;
  Box& box = ahead_.emplace_back();
  box.following = *following;
  readers_.spawn(read_box(box, index));
  return ok();
}

asio::awaitable<void> StreamFetch::read_box(Box& box, IndexBytes index) {
  Bytes read_cap = shape_.read_cap;
  Result<ports::ReadResult> read =
      co_await read_surely(ports_, std::move(read_cap), index, kPatienceMs);
  box.answer.emplace(std::move(read));
}

Status StreamFetch::take(const Box& box) {
  if (!*box.answer) return box.answer->error();
  const ports::ReadResult& read = box.answer->value();
  switch (read.outcome) {
    case Outcome::kOk:
      break;
    case Outcome::kNotFound:
      waits_ = true;
      return ok();
    case Outcome::kTombstone:
      return lost("retracted by sender", position_);
    case Outcome::kUnreadable:
    case Outcome::kReencrypt:
      return lost("unreadable: it does not decrypt", position_);
    case Outcome::kTaken:
    case Outcome::kRetry:
    case Outcome::kStorageFull:
    case Outcome::kRejected:
      return error(Errc::kRejected, "reading the stream was refused: " + printable(read.detail));
  }
  if (read.plaintext.empty()) return lost("an empty box within the stream", position_);
  const std::uint64_t missing = shape_.size - offset_;
  TP_TRY(write(
      ByteView(read.plaintext).first(std::min<std::uint64_t>(read.plaintext.size(), missing))));
  position_ = box.following;
  ++unmarked_;
  return ok();
}

Status StreamFetch::write(ByteView bytes) {
  Status written = part_.write_at(offset_, bytes);
  file_failed_ = !written;
  is_dirty_ = true;
  if (written) offset_ += bytes.size();
  return written;
}

// Makes what was written durable, then says so in the rows: in this order, or a crash between would
// leave a hole that nobody fills.
asio::awaitable<Status> StreamFetch::mark() {
  unmarked_ = 0;
  is_dirty_ = false;
  Status synced = part_.sync();
  if (!synced) {
    file_failed_ = true;
    co_return synced;
  }
  Result<ReceiveJobRow> row = ports_.store.receive_job(job_);
  if (!row) co_return row.error();
  if (row->state != ReceiveState::kFetching)
    co_return error(Errc::kStateConflict, "the receive job was changed by somebody else");
  row->prefix = offset_;
  row->prefix_index = position_;
  Transaction step;
  Result<ChannelRow> channel = ports_.store.channel(row->channel);
  if (!channel) co_return channel.error();
  if (channel->stream == job_) {
    const Result<std::uint64_t> counter = counter_of(position_);
    if (!counter) co_return counter.error();
    channel->next = position_;
    channel->counter = *counter;
    channel->found = ports_.clock.unix_ms() / 1000;
    if (offset_ == shape_.size) channel->stream = {};
    step.update(std::move(channel).value());
  }
  step.update(std::move(row).value());
  TP_FAILPOINT("receive.chunks.before_mark");
  Status marked = co_await ports_.store.commit(std::move(step));
  TP_FAILPOINT("receive.chunks.marked");
  co_return marked;
}

Status release_channel(Transaction& step, const ports::Store& store, const ReceiveJobRow& job) {
  Result<ChannelRow> channel = store.channel(job.channel);
  if (!channel) return channel.error();
  if (channel->stream != job.id) return ok();
  channel->stream = {};
  // The boxes of one of ours are all reserved: the next round steps over them.
  if (is_inline_header(job.letter)) {
    const Result<IndexBytes> behind = index_behind(*channel, job.counter);
    if (!behind) return behind.error();
    channel->next = *behind;
    channel->counter = job.counter + 1;
  }
  step.update(std::move(channel).value());
  return ok();
}

}  // namespace taubenpost
