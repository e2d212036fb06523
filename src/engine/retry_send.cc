#include "engine/retry_send.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/failpoint.h"
#include "engine/ageing.h"
#include "engine/commit_batches.h"
#include "engine/end_send.h"
#include "engine/enqueue.h"
#include "engine/letter_of.h"
#include "engine/reserve_position.h"
#include "model/spooled.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

constexpr const char* kRestartHint = "'taubenpost retry --restart' sends it anew, as it is now";

Error not_failed(SendState state) {
  std::string_view what = "it is on its way";
  if (state == SendState::kPosted) what = "it is posted";
  if (state == SendState::kCancelled) what = "it is cancelled";
  return error(Errc::kNothingToDo, "the job did not fail: " + std::string(what));
}

Result<SendJobRow> failed_job(const ports::Store& store, JobId id) {
  Result<SendJobRow> row = store.send_job(id);
  if (row && row->state != SendState::kFailed) return not_failed(row->state);
  return row;
}

// A deadline that has passed would fail it again at once.
Status before_deadline(const EnginePorts& ports, const SendJobRow& row) {
  if (row.deadline == 0 || ports.clock.unix_ms() / 1000 < row.deadline) return ok();
  return error(Errc::kRefused, "the deadline of the job has passed", kRestartHint);
}

Error too_late() {
  return error(Errc::kRefused, "the content ages out too soon to be tried again", kRestartHint);
}

// What the job reads is there, and is what was queued.
Status has_source(const EnginePorts& ports, const SendJobRow& row) {
  if (row.source_kind == SourceKind::kStandardInput) {
    const Result<std::vector<JobId>> spools = ports.files.spools();
    if (!spools) return spools.error();
    if (std::count(spools->begin(), spools->end(), row.id) > 0) return ok();
    return error(Errc::kRefused, "what was read from standard input is not there any more",
                 "send it again");
  }
  const Result<std::unique_ptr<ports::Source>> source = ports.files.open_source(sources_of(row));
  if (!source) return source.error();
  SourceIdentity known = row.identity;
  // As it is read in place: the device may have got another number.
  if (row.source_kind == SourceKind::kInPlace) known.device = (*source)->identity().device;
  if ((*source)->identity() == known) return ok();
  return error(Errc::kRefused, printable(row.source) + ": changed since it was queued",
               kRestartHint);
}

// Nothing was planned: from the beginning, with the source that was queued.
Result<SendEvent> queue_again(EnginePorts& ports, const SendJobRow& row) {
  TP_TRY(before_deadline(ports, row));
  TP_TRY(has_source(ports, row));
  return SendEvent::kQueueAgain;
}

// The batches that have a row go on in the generation that they were in.
Result<SendEvent> upload_again(EnginePorts& ports, const SendJobRow& row) {
  TP_TRY(before_deadline(ports, row));
  const std::uint64_t now = ports.clock.unix_ms() / 1000;
  if (row.first_epoch != 0 && is_too_late(now, ages_out_at(row.first_epoch))) return too_late();
  if (row.plan.boxes > 0 && !has_upload(row))
    return error(Errc::kRefused, "to try again would fail again: " + row.error_text, kRestartHint);
  if (row.plan.boxes > 0 && row.source_kind == SourceKind::kInPlace) TP_TRY(has_source(ports, row));
  return SendEvent::kUploadAgain;
}

// Position and letter stay; a recipient whose position is spent gets the next one for the letter.
Status try_again(const ports::Store& store, RecipientRow recipient, Transaction& step) {
  if (recipient.state == RecipientState::kReserved) return ok();
  recipient.error_text.clear();
  const bool is_spent =
      recipient.state == RecipientState::kConflict || recipient.position == IndexBytes{};
  if (is_spent) return reserve_position(store, std::move(recipient), step);
  step.move(std::move(recipient), RecipientEvent::kTryAgain);
  return ok();
}

// Letters that are missing, and those of which nobody knows, in new batches. When it is too late to
// write any, the latter are still looked for.
Result<SendEvent> commit_again(EnginePorts& ports, const SendJobRow& row, Transaction& step) {
  const Result<std::vector<RecipientRow>> recipients = ports.store.recipients(row.id);
  if (!recipients) return recipients.error();
  const bool late = is_too_late(ports.clock.unix_ms() / 1000, row.until);
  std::vector<RecipientIndex> missing;
  for (const RecipientRow& recipient : recipients.value()) {
    const bool has_gone =
        recipient.state == RecipientState::kPosted || recipient.state == RecipientState::kRetracted;
    if (has_gone) continue;
    if (late && is_settled(recipient.state)) continue;
    // The content is behind the position that is spent.
    const bool has_lost = row.layout == Layout::kInline && recipient.position == IndexBytes{};
    if (has_lost) continue;
    missing.push_back(recipient.index);
    if (!late) TP_TRY(try_again(ports.store, recipient, step));
  }
  if (missing.empty() && !late)
    return error(Errc::kRefused, "to try again would fail again: " + row.error_text,
                 "'taubenpost send' the file to them");
  if (missing.empty()) return too_late();
  add_commit_batches(step, row, missing);
  return SendEvent::kCommitAgain;
}

Result<SendEvent> plan_retry(EnginePorts& ports, const SendJobRow& row, Transaction& step) {
  if (row.until != 0) return commit_again(ports, row, step);
  if (row.plan.box_max != 0) return upload_again(ports, row);
  return queue_again(ports, row);
}

// A job of what was read for `old`, without its spool.
Result<SendJobRow> same_input(const EnginePorts& ports, const SendJobRow& old) {
  TP_TRY(has_source(ports, old));
  SendJobRow job = empty_send_job(ports, old.name, old.note);
  job.source = old.source;
  job.identity = old.identity;
  job.plan.size = old.plan.size;
  job.plan.digest = old.plan.digest;
  job.plan.encoding = old.plan.encoding;
  job.plan.usize = old.plan.usize;
  job.plan.udigest = old.plan.udigest;
  return job;
}

// Slices are sealed for one job.
asio::awaitable<Status> copy_spool(EnginePorts ports, SendJobRow from, JobId to) {
  const SpoolShape shape = spool_shape(from);
  const Result<std::unique_ptr<ports::SpoolWriter>> writer = ports.files.create_spool(to);
  if (!writer) co_return writer.error();
  for (std::uint64_t slice = 0; slice * shape.slice < shape.size; ++slice) {
    const std::uint64_t length = std::min(shape.slice, shape.size - slice * shape.slice);
    const Result<Bytes> plain =
        ports.files.read_spool(from.id, SliceIndex{slice}, shape.slice, length);
    if (!plain && plain.error().code == Errc::kStoreBad)
      co_return error(Errc::kRefused, plain.error().what, "send it again");
    if (!plain) co_return plain.error();
    TP_CO_TRY((*writer)->append_slice(*plain));
    co_await ports.clock.sleep(std::chrono::milliseconds(0));  // others may go on
  }
  co_return (*writer)->finish();
}

// The request of `old`, for whoever was not posted; rows of the new recipients go into `step`. A
// deadline that has passed was for the old one; its key names the old one for ever. The transfer is
// the same as long as its content is (SendJob::prepare): a letter of the old one that arrives after
// all is then no second transfer.
Result<SendJobRow> new_job(EnginePorts& ports, const SendJobRow& old, Transaction& step,
                           std::vector<std::string>& left_out) {
  Result<SendJobRow> job = old.source_kind == SourceKind::kStandardInput
                               ? same_input(ports, old)
                               : new_send_job(ports, sources_of(old), old.name, old.note);
  if (!job) return job.error();
  job->source_kind = old.source_kind;
  job->window = old.window;
  job->transport = old.transport;
  job->chooses_transport = old.chooses_transport;
  job->commit = old.commit;
  job->separate_bodies = old.separate_bodies;
  job->expire = old.expire;
  job->priority = old.priority;
  job->not_before = old.not_before;
  if (old.deadline > job->created) job->deadline = old.deadline;
  job->layout = old.layout;
  job->transfer = old.transfer;
  if (old.source_kind != SourceKind::kStandardInput) job->plan.digest = content_digest(old.plan);
  const Result<std::vector<RecipientRow>> recipients = ports.store.recipients(old.id);
  if (!recipients) return recipients.error();
  for (const RecipientRow& recipient : recipients.value()) {
    if (old.layout == Layout::kInline && recipient.state != RecipientState::kPending)
      return error(Errc::kRefused, "the job has boxes in the channels of its recipients",
                   "'taubenpost cancel' deletes them, then send the file again");
    if (recipient.state == RecipientState::kPosted) {
      left_out.push_back(recipient.channel_name);
      continue;
    }
    if (old.until != 0 && !is_settled(recipient.state))
      return error(Errc::kRefused, "letters may have been written and are not read back",
                   "'taubenpost retry' without --restart finds out");
    const Result<ChannelRow> channel = ports.store.channel(recipient.channel);
    if (!channel) return channel.error();
    step.create(new_recipient(job->id, job->recipients++, channel.value()));
  }
  return job;
}

}  // namespace

asio::awaitable<Status> retry_send(EnginePorts ports, JobId id) {
  for (;;) {
    Result<SendJobRow> row = failed_job(ports.store, id);
    if (!row) co_return row.error();
    Transaction step;
    const Result<SendEvent> event = plan_retry(ports, row.value(), step);
    if (!event) co_return event.error();
    row->finished = 0;
    row->error_code = 0;
    row->error_text.clear();
    row->paused = false;
    step.note(id, ports.clock.unix_ms(), "tried again");
    step.move(std::move(row).value(), event.value());
    Status stored = co_await ports.store.commit(std::move(step));
    // Another job has taken a position of one of these channels meanwhile: take the next ones.
    if (!stored && stored.error().code == Errc::kStateConflict) continue;
    TP_FAILPOINT("send.retried");
    co_return stored;
  }
}

asio::awaitable<Result<Restarted>> restart_send(EnginePorts ports, JobId id) {
  Result<SendJobRow> old = failed_job(ports.store, id);
  if (!old) co_return old.error();
  Restarted restarted;
  Transaction step;
  Result<SendJobRow> job = new_job(ports, old.value(), step, restarted.left_out);
  if (!job) co_return job.error();
  restarted.job = job->id;
  if (old->source_kind == SourceKind::kStandardInput) {
    Status copied = co_await copy_spool(ports, *old, job->id);
    if (!copied) {
      static_cast<void>(ports.files.remove_spool(job->id));
      co_return copied.error();
    }
  }
  const std::uint64_t now_ms = ports.clock.unix_ms();
  TP_CO_TRY(drop_batches(ports.store, id, step));
  step.note(id, now_ms, "sent anew, as job " + to_base32(job->id));
  step.note(job->id, now_ms, "queued to send anew what failed as job " + to_base32(id));
  step.create(std::move(job).value());
  step.move(std::move(old).value(), SendEvent::kReplace);
  Status stored = co_await ports.store.commit(std::move(step));
  if (!stored) {
    static_cast<void>(ports.files.remove_spool(restarted.job));
    co_return stored.error();
  }
  TP_FAILPOINT("send.ended");
  // What is durable is done; a spool that stays is removed by the next run of the engine.
  static_cast<void>(ports.files.remove_spool(id));
  co_return restarted;
}

}  // namespace taubenpost
