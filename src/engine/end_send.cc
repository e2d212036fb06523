#include "engine/end_send.h"

#include <utility>

#include "base/failpoint.h"
#include "engine/inline_channels.h"
#include "engine/retract_send.h"
#include "model/spooled.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

Status drop_batches(const ports::Store& store, JobId id, Transaction& step) {
  const Result<std::vector<BatchRow>> batches = store.batches(id);
  if (!batches) return batches.error();
  for (const BatchRow& batch : batches.value()) {
    step.drop_elements(id, batch.index);
    step.drop_batch(id, batch.index);
  }
  return ok();
}

asio::awaitable<Status> end_send(EnginePorts ports, SendJobRow row, SendEvent event,
                                 std::string note, std::optional<RetractJobRow> retraction) {
  const JobId id = row.id;
  row.finished = ports.clock.unix_ms() / 1000;
  SendJobRow ended = row;
  ended.state = after(row.state, event).value_or(row.state);
  Transaction step;
  if (!has_upload(ended)) TP_CO_TRY(drop_batches(ports.store, id, step));
  if (!retraction)
    TP_CO_TRY(release_channels(
        ports.store, row, event == SendEvent::kGiveUp ? Release::kEnded : Release::kUndoing, step));
  step.note(id, ports.clock.unix_ms(), std::move(note));
  if (retraction) step.create(std::move(*retraction));
  step.move(std::move(row), event);
  Status stored = co_await ports.store.commit(std::move(step));
  if (!stored) co_return stored.error();
  TP_FAILPOINT("send.ended");
  if (has_spool(ended)) co_return ok();
  co_return ports.files.remove_spool(id);
}

asio::awaitable<Status> cancel_send(EnginePorts ports, JobId id, CancelKind kind) {
  Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) co_return row.error();
  if (row->state == SendState::kCancelled && kind == CancelKind::kStop)
    co_return error(Errc::kNothingToDo, "the job is at its end already");
  if (row->state == SendState::kCommitting || row->state == SendState::kPosted ||
      row->state == SendState::kCancelled)
    co_return co_await retract_send(ports, id, Way::kCopy);
  const Result<bool> found = may_be_found(ports.store, id);
  if (!found) co_return found.error();
  Result<std::optional<RetractJobRow>> retraction = std::optional<RetractJobRow>();
  const bool is_undone = row->layout == Layout::kInline && is_unwritten(*row);
  if (!is_undone && (*found || row->until != 0 || kind == CancelKind::kAndRetract))
    retraction = retraction_of(ports, *row, Way::kCopy);
  if (!retraction) co_return retraction.error();
  std::string note = *retraction ? "cancelled, to be retracted" : "cancelled";
  co_return co_await end_send(ports, std::move(row).value(), SendEvent::kCancel, std::move(note),
                              std::move(retraction).value());
}

Status remove_orphaned_spools(EnginePorts ports) {
  const Result<std::vector<JobId>> spools = ports.files.spools();
  if (!spools) return spools.error();
  for (const JobId& id : spools.value()) {
    const Result<SendJobRow> row = ports.store.send_job(id);
    if (!row && row.error().code != Errc::kNotFound) return row.error();
    if (!row || (has_ended(row->state) && !has_spool(row.value())))
      TP_TRY(ports.files.remove_spool(id));
  }
  return ok();
}

}  // namespace taubenpost
