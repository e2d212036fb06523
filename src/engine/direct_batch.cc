#include "engine/direct_batch.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "engine/backoff.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

// One commit for so many boxes: what a crash makes us write again.
constexpr std::uint32_t kMarkEvery = 16;
// Of a batch; they wait for permits.
constexpr std::size_t kWritersMax = 32;

}  // namespace

asio::awaitable<Status> DirectBatch::run() {
  for (;;) {
    Result<BatchRow> row = ports_.store.batch(job_, index_);
    if (!row && row.error().code == Errc::kNotFound) co_return ok();  // done, its row is gone
    if (!row) co_return row.error();
    TP_CO_TRY(body_.may_start_work());
    Status step = ok();
    if (row->state == BatchState::kPlanned)
      step = co_await write(row.value());
    else
      step = co_await verify(row.value());
    if (!step) co_return step.error();
  }
}

// Writes every box that is not confirmed, a window of them at a time.
asio::awaitable<Status> DirectBatch::write(BatchRow row) {
  Permit permit = co_await Permit::acquire(share_.uploads());
  place_ = row;
  confirmed_ = row.buffer;
  confirmed_.resize(row.count);
  unmarked_ = 0;
  error_.reset();
  TaskGroup writers(shared_.executor);
  for (std::uint32_t next = 0;;) {
    for (; next < row.count && writers.running() < kWritersMax && !error_; ++next)
      if (confirmed_[next] == 0) writers.spawn(write_box(next));
    const bool idle = writers.running() == 0;
    if (unmarked_ >= kMarkEvery || (idle && unmarked_ > 0)) {
      Status marked = co_await mark(row);
      if (!marked && !error_) error_ = marked.error();
      continue;
    }
    if (idle) break;
    co_await writers.wait_for_one();
  }
  if (error_) co_return *error_;
  row.buffer.clear();
  Transaction step;
  step.move(std::move(row), BatchEvent::kWritten);
  co_return co_await ports_.store.commit(std::move(step));
}

asio::awaitable<Status> DirectBatch::mark(BatchRow& row) {
  unmarked_ = 0;
  row.buffer = confirmed_;
  Transaction step;
  step.update(row);
  Status stored = co_await ports_.store.commit(std::move(step));
  ++row.revision;
  co_return stored;
}

// A child of the writers' group.
asio::awaitable<void> DirectBatch::write_box(std::uint32_t item) {
  Status stored = co_await write_until_stored(item);
  if (!stored && !error_) error_ = stored.error();
  if (!stored || error_) co_return;
  confirmed_[item] = 1;
  ++unmarked_;
}

asio::awaitable<Status> DirectBatch::write_until_stored(std::uint32_t item) {
  Backoff backoff(ports_);
  while (!error_) {
    Result<ports::WriteResult> result = co_await write_once(item);
    if (!result) co_return result.error();
    if (result->outcome == Outcome::kOk) co_return ok();
    if (result->outcome == Outcome::kTaken) {  // ours, from an earlier run, or it fails the job
      Result<Verdict> verdict = co_await body_.read_back(place_, item);
      if (!verdict) co_return verdict.error();
      if (verdict.value() == Verdict::kArrived) co_return ok();
      co_await backoff.pause();
      continue;
    }
    Status again = co_await wait_to_write_again(ports_, std::move(result).value(), backoff);
    if (!again) co_return again.error();
  }
  co_return *error_;
}

// The permits are given back with the answer: a job that has to wait holds up no other.
asio::awaitable<Result<ports::WriteResult>> DirectBatch::write_once(std::uint32_t item) {
  WritePermit permit = co_await share_.next_write();
  if (error_) co_return *error_;
  TP_CO_TRY(body_.may_start_work());
  Result<Slice> box = body_.box(place_, item);
  if (!box) co_return box.error();
  TP_FAILPOINT("direct.before_write");
  const std::uint64_t asked_ms = ports_.clock.monotonic_ms();
  ports::WriteResult result = co_await send(std::move(box).value());
  TP_FAILPOINT("direct.written");
  if (result.outcome == Outcome::kOk) {
    const std::uint64_t now_ms = ports_.clock.monotonic_ms();
    shared_.pace.wrote(now_ms - asked_ms);
    if (is_body(index_)) shared_.upload_rate.count(now_ms, kPacketsOfConfirmedWrite);
  }
  co_return result;
}

asio::awaitable<ports::WriteResult> DirectBatch::send(Slice box) {
  SecretBytes cap = std::move(box.write_caps.front());
  const IndexBytes index = box.starts.front();
  if (box.tombstones > 0) co_return co_await ports_.network.tombstone(std::move(cap), index);
  co_return co_await ports_.network.write(std::move(cap), index, std::move(box.payloads.front()),
                                          ports::WriteLevel::kConfirmed);
}

// The last box is read back, as of any batch. One that can't be read is written again with all
// others.
asio::awaitable<Status> DirectBatch::verify(BatchRow row) {
  Result<Verdict> verdict = co_await body_.verify(row);
  if (!verdict) co_return verdict.error();
  Transaction step;
  if (verdict.value() == Verdict::kMissing) {
    step.note(job_, ports_.clock.unix_ms(),
              "batch " + std::to_string(index_.value()) + ": written again, a box can't be read");
    step.move(std::move(row), BatchEvent::kRespin);
  } else {
    step.move(std::move(row), BatchEvent::kReadBack);
    TP_CO_TRY(shared_.keep_rate(ports_.store, step));
    step.drop_batch(job_, index_);
  }
  co_return co_await ports_.store.commit(std::move(step));
}

}  // namespace taubenpost
