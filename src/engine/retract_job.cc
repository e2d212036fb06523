#include "engine/retract_job.h"

#include <algorithm>

#include "bacap/capability.h"
#include "base/failpoint.h"
#include "engine/batch_runs.h"
#include "engine/bodies.h"
#include "engine/end_send.h"
#include "engine/index_steps.h"
#include "engine/inline_channels.h"
#include "engine/job_errors.h"
#include "engine/job_queue.h"
#include "engine/read_surely.h"
#include "engine/retract_content.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Outcome;
using ports::Transaction;

namespace {

constexpr std::uint32_t kLettersPerBatch = 256;

bool is_over_body(BatchIndex batch) { return batch.value() >= kFirstBodyTombstones; }

}  // namespace

// The whole flow. One case per state; each step leaves the retraction in a later state.
asio::awaitable<Status> RetractJob::run() {
  for (;;) {
    Result<RetractJobRow> now = row();
    if (!now) co_return now.error();
    Status step = ok();
    switch (now->state) {
      case RetractState::kPlanned:
        step = co_await start(std::move(now).value());
        break;
      case RetractState::kWriting:
        step = co_await write(std::move(now).value());
        break;
      case RetractState::kRetracted:
      case RetractState::kFailed:
        co_return ok();
    }
    // A letter's last step, which was under way when the job was stopped, has moved its recipient.
    if (!step && step.error().code == Errc::kStateConflict) continue;
    if (!step && belongs_to_job(step.error().code)) step = co_await give_up(step.error());
    if (!step) co_return step.error();
  }
}

Result<RetractJobRow> RetractJob::row() const {
  Result<std::optional<RetractJobRow>> found = ports_.store.retract_job(id_);
  if (!found) return found.error();
  if (!found->has_value()) return error(Errc::kNotFound, "the job is not being retracted");
  return std::move(**found);
}

// Fixes which positions are overwritten: all that may hold the letter, or would be a gap that
// readers wait at, and none that holds something else.
asio::awaitable<Status> RetractJob::start(RetractJobRow row) {
  Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(id_);
  if (!recipients) co_return recipients.error();
  Transaction step;
  row.letters.clear();
  for (RecipientRow& recipient : recipients.value()) {
    const std::uint64_t number = recipient.index.value();
    if (recipient.state == RecipientState::kPending ||
        recipient.state == RecipientState::kConflict ||
        recipient.state == RecipientState::kRetracted || recipient.position == IndexBytes{})
      continue;
    Result<bool> ours = co_await is_ours(recipient);
    if (!ours) co_return ours.error();
    if (ours.value()) row.letters.push_back(number);
    if (!ours.value() && recipient.state == RecipientState::kReserved)
      step.move(std::move(recipient), RecipientEvent::kTaken);
  }
  for (std::uint64_t first = 0; first < row.letters.size() && !row.direct;
       first += kLettersPerBatch) {
    BatchRow batch;
    batch.job = id_;
    batch.index =
        BatchIndex{kFirstLetterTombstones + static_cast<std::uint32_t>(first / kLettersPerBatch)};
    batch.first = first;
    batch.count = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(kLettersPerBatch, row.letters.size() - first));
    step.create(std::move(batch));
  }
  step.note(id_, ports_.clock.unix_ms(),
            "retracting: " + std::to_string(row.letters.size()) + " letters, " +
                std::to_string(row.boxes) + " boxes");
  step.move(std::move(row), RetractEvent::kStart);
  Status started = co_await ports_.store.commit(std::move(step));
  TP_FAILPOINT("retract.started");
  co_return started;
}

// A position that was not read back may hold what somebody else has put there.
asio::awaitable<Result<bool>> RetractJob::is_ours(RecipientRow recipient) {
  if (recipient.state == RecipientState::kPosted) co_return true;
  Result<ChannelRow> channel = ports_.store.channel(recipient.channel);
  if (!channel && channel.error().code == Errc::kNotFound) co_return true;  // its letter fails
  if (!channel) co_return channel.error();
  Result<bacap::WriteCap> cap = bacap::WriteCap::parse(channel->capability);
  if (!cap) co_return cap.error();
  const Bytes read_cap = to_bytes(cap->read_cap().view());
  Result<ports::ReadResult> read =
      co_await read_surely(ports_, read_cap, recipient.position, /*lag_ms=*/0);
  if (!read) co_return read.error();
  co_return read->outcome != Outcome::kOk || read->plaintext == recipient.letter;
}

// What goes wrong with a letter does not keep the body.
asio::awaitable<Status> RetractJob::write(RetractJobRow row) {
  Status letters = co_await write_letters(row);
  if (!letters && !belongs_to_job(letters.error().code)) co_return letters;
  Status body = co_await write_body(std::move(row));
  if (!body) co_return body;
  if (!letters) co_return letters;
  co_return co_await finish();
}

asio::awaitable<Status> RetractJob::write_letters(RetractJobRow row) {
  const Result<SendJobRow> job = ports_.store.send_job(id_);
  if (!job) co_return job.error();
  Result<std::vector<BatchRow>> batches = ports_.store.batches(id_);
  if (!batches) co_return batches.error();
  LetterTombstones letters(row, ports_);
  BatchRuns runs(*job, rank_of(row), shared_.letter_writes, ports_, options_, shared_);
  for (const BatchRow& batch : batches.value())
    if (!is_over_body(batch.index)) runs.copy(batch.index, letters);
  Status copied = co_await runs.join();
  if (!copied && !belongs_to_job(copied.error().code)) co_return copied;
  // Without batches, or where one of them can't go on: each letter by itself.
  co_return co_await letters.settle(0, row.letters.size());
}

asio::awaitable<Status> RetractJob::write_body(RetractJobRow row) {
  if (row.boxes == 0) co_return ok();
  const Result<SendJobRow> job = ports_.store.send_job(id_);
  if (!job) co_return job.error();
  const Result<std::vector<BatchRow>> opened = ports_.store.batches(id_);
  if (!opened) co_return opened.error();
  std::vector<BatchIndex> open;
  for (const BatchRow& batch : opened.value())
    if (is_over_body(batch.index)) open.push_back(batch.index);
  BodyTombstones body(job.value(), ports_, options_);
  BatchRuns batches(job.value(), rank_of(row), shared_.body_writes, ports_, options_, shared_,
                    Resting::kKeepsPlace);
  const BatchRuns::OpenNext open_next = [this] { return open_batch(); };
  const Way way = row.direct ? Way::kDirect : Way::kCopy;
  co_return co_await batches.run_body(std::move(open), open_next, body, way);
}

asio::awaitable<Result<std::optional<BatchIndex>>> RetractJob::open_batch() {
  Result<RetractJobRow> now = row();
  if (!now) co_return now.error();
  const Result<std::uint64_t> end = enter_sequence(*now);
  if (!end) co_return end.error();
  if (now->next_box >= now->boxes) co_return std::optional<BatchIndex>();
  BatchRow batch;
  batch.job = id_;
  batch.index = BatchIndex{kFirstBodyTombstones + now->next_batch};
  batch.first = now->next_box;
  batch.count = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(options_.batch_chunks, *end - now->next_box));
  batch.body_index = now->next_index;
  Result<IndexBytes> next = advanced(now->next_index, batch.count);
  if (!next) co_return next.error();
  now->next_index = next.value();
  now->next_box += batch.count;
  ++now->next_batch;
  const BatchIndex index = batch.index;
  Transaction step;
  step.create(std::move(batch));
  step.update(std::move(now).value());
  Status stored = co_await ports_.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  co_return std::optional(index);
}

// Where the sequence of the next box ends, a body or a channel.
Result<std::uint64_t> RetractJob::enter_sequence(RetractJobRow& row) const {
  if (row.next_box >= row.boxes) return row.boxes;
  const Result<SendJobRow> job = ports_.store.send_job(id_);
  if (!job) return job.error();
  const std::uint64_t boxes = boxes_per_copy(*job);
  for (; row.next_box % boxes == 0 && row.next_box < row.boxes; row.next_box += boxes) {
    const Result<std::optional<IndexBytes>> begin = begin_of(*job, row, row.next_box / boxes);
    if (!begin) return begin.error();
    if (!*begin) continue;
    row.next_index = **begin;
    break;
  }
  return std::min((row.next_box / boxes + 1) * boxes, row.boxes);
}

// The first box of a sequence. Nothing for a channel whose header is not ours.
Result<std::optional<IndexBytes>> RetractJob::begin_of(const SendJobRow& job,
                                                       const RetractJobRow& row,
                                                       std::uint64_t sequence) const {
  if (job.layout == Layout::kLetters)
    return std::optional<IndexBytes>(body_of(job, sequence).index().bytes());
  const Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(id_);
  if (!recipients) return recipients.error();
  const RecipientRow& recipient = recipients->at(sequence);
  const bool is_ours =
      recipient.state == RecipientState::kRetracted ||
      std::count(row.letters.begin(), row.letters.end(), recipient.index.value()) > 0;
  if (!is_ours) return std::optional<IndexBytes>();
  const Result<IndexBytes> first = advanced(recipient.position, 1);
  if (!first) return first.error();
  return std::optional<IndexBytes>(*first);
}

asio::awaitable<Status> RetractJob::finish() {
  Result<RetractJobRow> now = row();
  if (!now) co_return now.error();
  const Result<SendJobRow> job = ports_.store.send_job(id_);
  if (!job) co_return job.error();
  Transaction step;
  TP_CO_TRY(release_channels(ports_.store, *job, Release::kAll, step));
  TP_CO_TRY(drop_batches(ports_.store, id_, step));
  now->finished = ports_.clock.unix_ms() / 1000;
  step.note(id_, ports_.clock.unix_ms(), "retracted");
  step.move(std::move(now).value(), RetractEvent::kAllWritten);
  TP_FAILPOINT("retract.before_end");
  co_return co_await ports_.store.commit(std::move(step));
}

// Records why it can't go on. Batches that are not done are opened again if the user says so.
asio::awaitable<Status> RetractJob::give_up(Error reason) {
  Result<RetractJobRow> now = row();
  if (!now) co_return now.error();
  Transaction step;
  const Result<std::vector<BatchRow>> open = ports_.store.batches(id_);
  if (!open) co_return open.error();
  TP_CO_TRY(drop_batches(ports_.store, id_, step));
  for (const BatchRow& batch : open.value())
    if (is_over_body(batch.index) && batch.first < now->next_box) {
      now->next_box = batch.first;
      now->next_index = batch.body_index;
    }
  now->error_code = static_cast<std::uint16_t>(reason.code);
  now->error_text = reason.what;
  step.note(id_, ports_.clock.unix_ms(), "not retracted: " + reason.what);
  step.move(std::move(now).value(), RetractEvent::kGiveUp);
  co_return co_await ports_.store.commit(std::move(step));
}

}  // namespace taubenpost
