#include "engine/send_job.h"

#include <algorithm>
#include <memory>

#include "base/failpoint.h"
#include "engine/ageing.h"
#include "engine/backoff.h"
#include "engine/batch_content.h"
#include "engine/batch_runs.h"
#include "engine/bodies.h"
#include "engine/choose_transport.h"
#include "engine/commit_batches.h"
#include "engine/end_send.h"
#include "engine/held.h"
#include "engine/in_time.h"
#include "engine/index_steps.h"
#include "engine/inline_channels.h"
#include "engine/inline_content.h"
#include "engine/job_errors.h"
#include "engine/letter_of.h"
#include "engine/plan_send.h"
#include "engine/receipts.h"
#include "engine/reserve_position.h"
#include "engine/steer_send.h"
#include "model/spooled.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

std::string size_text(const SendPlan& plan) {
  const std::string size = std::to_string(plan.size) + " bytes";
  return plan.encoding == Encoding::kNone
             ? size
             : size + " of " + std::to_string(plan.usize) + " compressed";
}

}  // namespace

// The whole flow. One case per state; each step leaves the job in a later state.
asio::awaitable<Status> SendJob::run() {
  for (;;) {
    Result<SendJobRow> row = ports_.store.send_job(id_);
    if (!row) co_return row.error();
    Status possible = in_time(*row, ports_.clock.unix_ms() / 1000);
    if (!possible) co_return co_await give_up(possible.error());
    if (row->paused || lane_of(*row) != lane_) co_return ok();
    if (row->state == SendState::kQueued) {  // meanwhile another job may have taken its channels
      const Result<std::string> held = held_reason(ports_.store, *row);
      if (!held) co_return held.error();
      if (!held->empty()) co_return ok();
    }

    Status step = ok();
    switch (row->state) {
      case SendState::kQueued:
        step = co_await start(row.value());
        break;
      case SendState::kPreparing:
        step = co_await prepare(row.value());
        break;
      case SendState::kUploading:
        step = co_await upload(row.value());
        break;
      case SendState::kCommitting:
        step = co_await post(row.value());
        break;
      case SendState::kPosted:
      case SendState::kFailed:
      case SendState::kCancelled:
        co_return ok();
    }
    if (!step && is_overtaken(row.value(), step.error())) continue;
    if (!step && belongs_to_job(step.error().code)) step = co_await give_up(step.error());
    if (!step) co_return step.error();
  }
}

// Somebody else has changed the job during the step: what the store says now counts.
bool SendJob::is_overtaken(const SendJobRow& before, const Error& failure) const {
  if (failure.code == Errc::kCancelled) return true;
  if (failure.code != Errc::kStateConflict) return false;
  const Result<SendJobRow> now = ports_.store.send_job(id_);
  return now && now->revision != before.revision;
}

asio::awaitable<Status> SendJob::start(SendJobRow row) {
  Transaction step;
  const bool is_inline = row.layout == Layout::kInline;
  if (is_inline) TP_CO_TRY(take_channels(ports_.store, row, step));
  step.note(id_, ports_.clock.unix_ms(), "its turn has come");
  step.move(std::move(row), SendEvent::kStart);
  Status started = co_await ports_.store.commit(std::move(step));
  // Another job has changed one of its channels meanwhile.
  if (is_inline && !started && started.error().code == Errc::kStateConflict) co_return ok();
  co_return started;
}

// A crash in here leaves the state as it was, and the next run begins again.
asio::awaitable<Status> SendJob::prepare(SendJobRow row) {
  Result<ports::NetworkView> view = co_await ports_.network.view(kDaemonLimitMs);
  if (!view) co_return view.error();
  if (row.chooses_transport) {
    const Result<ports::Costs> costs = co_await ports_.network.costs();
    if (!costs) co_return costs.error();
    row.transport = faster_way(*costs);
  }
  Result<SendPlan> made = co_await plan_send(ports_, options_, row, view->box_max);
  if (!made) co_return made.error();
  // Sent anew: recipients may have its id for the content that it had.
  const Bytes32 known = content_digest(row.plan);
  const bool is_other = known != Bytes32{} && known != content_digest(*made);
  if (is_other) ports_.random.fill(row.transfer);
  row.plan = std::move(made).value();
  Transaction step;
  if (row.layout == Layout::kInline) TP_CO_TRY(co_await reserve_streams(ports_, row, step));
  step.note(id_, ports_.clock.unix_ms(),
            "planned: " + size_text(row.plan) + ", " + std::to_string(row.plan.boxes) + " boxes, " +
                std::to_string(batch_count(row)) + " batches");
  step.move(std::move(row), SendEvent::kPlanned);
  co_return co_await ports_.store.commit(std::move(step));
}

// Opens batches in order and runs a few of them side by side; decides when all are done.
asio::awaitable<Status> SendJob::upload(SendJobRow row) {
  if (row.plan.boxes > 0) {
    Status uploaded = co_await upload_batches();
    if (!uploaded) co_return uploaded.error();
  }
  TP_CO_TRY(may_start_work(ports_, id_));
  Result<SendJobRow> now = ports_.store.send_job(id_);
  if (!now) co_return now.error();
  co_return co_await decide(std::move(now).value());
}

asio::awaitable<Status> SendJob::upload_batches() {
  const Result<SendJobRow> row = ports_.store.send_job(id_);
  if (!row) co_return row.error();
  const Result<std::vector<BatchRow>> opened = ports_.store.batches(id_);
  if (!opened) co_return opened.error();
  std::vector<BatchIndex> open;
  for (const BatchRow& batch : opened.value()) open.push_back(batch.index);
  Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(id_);
  if (!recipients) co_return recipients.error();
  std::unique_ptr<BodyBoxes> content;
  if (row->layout == Layout::kInline)
    content = std::make_unique<InlineContent>(*row, std::move(recipients).value(), ports_);
  else
    content = std::make_unique<BodyContent>(*row, ports_);
  BatchRuns batches(row.value(), rank_of(*row), shared_.body_writes, ports_, options_, shared_);
  const BatchRuns::OpenNext open_next = [this] { return open_batch(); };
  co_return co_await batches.run_body(std::move(open), open_next, *content, row->transport);
}

// The next batch gets a row; its place in the body is fixed from here on.
asio::awaitable<Result<std::optional<BatchIndex>>> SendJob::open_batch() {
  Result<SendJobRow> row = ports_.store.send_job(id_);
  if (!row) co_return row.error();
  if (row->next_batch == batch_count(*row)) co_return std::optional<BatchIndex>();
  TP_CO_TRY(may_start_work(ports_, id_));
  Result<ports::NetworkView> view = co_await ports_.network.view(kDaemonLimitMs);
  if (!view) co_return view.error();
  if (row->first_epoch == 0) row->first_epoch = view->replica_epoch;
  BatchRow batch;
  batch.job = id_;
  batch.index = BatchIndex{row->next_batch};
  const BatchPlace place = batch_place(*row, row->next_batch);
  batch.first = place.first;
  batch.count = place.count;
  if (row->layout == Layout::kLetters) {
    const std::uint64_t boxes = boxes_per_copy(*row);
    const bool begins_body = place.first % boxes == 0;
    batch.body_index =
        begins_body ? body_of(*row, place.first / boxes).index().bytes() : row->next_batch_index;
    Result<IndexBytes> next = advanced(batch.body_index, batch.count);
    if (!next) co_return next.error();
    row->next_batch_index = next.value();
  }
  ++row->next_batch;
  const BatchIndex index = batch.index;
  Transaction step;
  step.create(std::move(batch));
  step.update(std::move(row).value());
  Status stored = co_await ports_.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  co_return std::optional(index);
}

// The decision: from here on every recipient has a position and the final letter bytes. Those of an
// inline job have them since it was planned; now the header may be written.
asio::awaitable<Status> SendJob::decide(SendJobRow row) {
  Result<ports::NetworkView> view = co_await ports_.network.view(kDaemonLimitMs);
  if (!view) co_return view.error();
  if (row.first_epoch == 0) row.first_epoch = view->replica_epoch;
  Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(id_);
  if (!recipients) co_return recipients.error();
  row.sent = ports_.clock.unix_ms() / 1000;
  TP_CO_TRY(in_time(row, row.sent));
  row.until = ages_out_at(row.first_epoch);
  Transaction step;
  std::vector<RecipientIndex> to_write;
  for (RecipientRow& recipient : recipients.value()) {
    if (recipient.state == RecipientState::kPosted) continue;  // found by a resync
    to_write.push_back(recipient.index);
    if (row.layout == Layout::kInline) continue;
    recipient.letter = letter_of(row, recipient.index);
    Status reserved = reserve_position(ports_.store, std::move(recipient), step);
    if (!reserved) co_return reserved.error();
  }
  add_commit_batches(step, row, to_write);
  step.note(id_, ports_.clock.unix_ms(), "every batch is done; letters are decided");
  step.move(std::move(row), SendEvent::kDecided);
  Status decided = co_await ports_.store.commit(std::move(step));
  TP_FAILPOINT("send.decided");
  // Another job has taken a position of one of these channels meanwhile: decide on the next ones.
  if (!decided && decided.error().code == Errc::kStateConflict) co_return ok();
  co_return decided;
}

// Writes the letters by the same steps as any batch, or one by one, and settles every recipient.
asio::awaitable<Status> SendJob::post(SendJobRow row) {
  if (!has_spool(row)) TP_CO_TRY(ports_.files.remove_spool(id_));  // every batch is done
  Result<std::vector<BatchRow>> batches = ports_.store.batches(id_);
  if (!batches) co_return batches.error();
  CommitContent letters(row, ports_, options_);
  BatchRuns runs(row, rank_of(row), shared_.letter_writes, ports_, options_, shared_);
  for (const BatchRow& batch : batches.value()) runs.copy(batch.index, letters);
  Status copied = co_await runs.join();
  if (!copied) co_return copied;
  if (row.commit == Way::kDirect) {
    Status written = co_await letters.write_each(row.recipients);
    if (!written) co_return written.error();
  }
  TP_CO_TRY(may_start_work(ports_, id_));  // it may have been called back meanwhile
  co_return co_await finish(std::move(row));
}

asio::awaitable<Status> SendJob::finish(SendJobRow row) {
  Result<std::vector<RecipientRow>> recipients = ports_.store.recipients(id_);
  if (!recipients) co_return recipients.error();
  std::string missing;
  for (const RecipientRow& recipient : recipients.value())
    if (recipient.state != RecipientState::kPosted)
      missing += (missing.empty() ? "" : ", ") + printable(recipient.channel_name) + ": " +
                 recipient.error_text;
  if (!missing.empty()) co_return error(Errc::kRejected, "not posted to " + missing);
  TP_FAILPOINT("send.before_posted");
  row.finished = ports_.clock.unix_ms() / 1000;
  const bool had_spool = has_spool(row);
  Transaction step;
  TP_CO_TRY(release_channels(ports_.store, row, Release::kAll, step));
  step.note(id_, ports_.clock.unix_ms(), "posted");
  step.move(std::move(row), SendEvent::kAllPosted);
  Status stored = co_await ports_.store.commit(std::move(step));
  if (!stored || !had_spool) co_return stored;
  co_return ports_.files.remove_spool(id_);
}

// Records why the job can't go on. What it has reached in the network stays as it is.
asio::awaitable<Status> SendJob::give_up(Error reason) {
  Result<SendJobRow> row = ports_.store.send_job(id_);
  if (!row) co_return row.error();
  row->error_code = static_cast<std::uint16_t>(reason.code);
  row->error_text = reason.what;
  co_return co_await end_send(ports_, std::move(row).value(), SendEvent::kGiveUp,
                              "failed: " + reason.what);
}

}  // namespace taubenpost
