#include "engine/retract_send.h"

#include <algorithm>
#include <utility>

#include "engine/bodies.h"
#include "engine/end_send.h"
#include "engine/held.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

// Whether a courier may have run the copy of this letter.
bool was_copied(const std::vector<BatchRow>& batches, RecipientIndex recipient) {
  for (const BatchRow& batch : batches)
    if (is_commit(batch.index) && recipient.value() >= batch.first &&
        recipient.value() < batch.first + batch.count)
      return batch.copy_issued_ms != 0 || batch.generation.value() > 1;
  return true;
}

bool has_position(const RecipientRow& recipient) { return recipient.position != IndexBytes{}; }

// A letter that this store does not know may be in the network.
Status may_be_retracted(const ports::Store& store, const SendJobRow& row) {
  const Result<std::string> held = held_reason(store, row);
  if (!held) return held.error();
  if (!held->empty())
    return error(Errc::kRefused, "the transfer may have been posted since the backup; " + *held,
                 "'taubenpost channel resync' finds out");
  const Result<bool> found = may_be_found(store, row.id);
  if (!found) return found.error();
  const bool has_no_header = row.layout == Layout::kInline && row.until == 0;
  if ((!*found || has_no_header) && !has_ended(row.state))
    return error(Errc::kRefused, "nobody can find the transfer yet",
                 "'taubenpost cancel --retract' stops it, and deletes what was copied of it");
  return ok();
}

asio::awaitable<Status> retract_again(EnginePorts ports, RetractJobRow row, Way way) {
  if (row.state == RetractState::kRetracted)
    co_return error(Errc::kNothingToDo, "the transfer is retracted already");
  if (row.state != RetractState::kFailed)
    co_return error(Errc::kNothingToDo, "the transfer is being retracted already",
                    "'taubenpost serve --until-idle' goes on with it");
  row.direct = way == Way::kDirect;
  row.error_code = 0;
  row.error_text.clear();
  Transaction step;
  step.note(row.job, ports.clock.unix_ms(), "to be retracted once more");
  step.move(std::move(row), RetractEvent::kAgain);
  co_return co_await ports.store.commit(std::move(step));
}

}  // namespace

std::uint64_t expires_at(const SendJobRow& row) {
  const bool is_decided = row.state == SendState::kPosted || row.state == SendState::kFailed;
  return row.expire != 0 && row.sent != 0 && is_decided ? row.sent + row.expire : 0;
}

Result<bool> may_be_found(const ports::Store& store, JobId id) {
  const Result<std::vector<RecipientRow>> recipients = store.recipients(id);
  if (!recipients) return recipients.error();
  return std::any_of(recipients->begin(), recipients->end(), has_position);
}

Result<std::optional<RetractJobRow>> retraction_of(EnginePorts ports, const SendJobRow& row,
                                                   Way way) {
  const Result<std::vector<RecipientRow>> recipients = ports.store.recipients(row.id);
  if (!recipients) return recipients.error();
  const Result<std::vector<BatchRow>> batches = ports.store.batches(row.id);
  if (!batches) return batches.error();
  RetractJobRow retraction;
  retraction.job = row.id;
  retraction.created = ports.clock.unix_ms() / 1000;
  retraction.direct = way == Way::kDirect;
  const bool has_letters = std::any_of(recipients->begin(), recipients->end(), has_position);
  retraction.boxes = has_letters ? row.plan.boxes : boxes_opened(row);  // may hold something
  for (const RecipientRow& recipient : *recipients) {
    const bool is_reserved = recipient.state == RecipientState::kReserved && row.until != 0;
    const bool was_written =
        recipient.state == RecipientState::kPosted ||
        (recipient.state == RecipientState::kFailed && has_position(recipient)) ||
        (is_reserved && was_copied(*batches, recipient.index));
    if (was_written) retraction.may_have_seen.push_back(recipient.index.value());
  }
  if (!has_letters && retraction.boxes == 0) return std::optional<RetractJobRow>();
  return std::optional<RetractJobRow>(std::move(retraction));
}

asio::awaitable<Status> retract_send(EnginePorts ports, JobId id, Way way) {
  Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) co_return row.error();
  Result<std::optional<RetractJobRow>> existing = ports.store.retract_job(id);
  if (!existing) co_return existing.error();
  if (existing->has_value()) co_return co_await retract_again(ports, std::move(**existing), way);
  TP_CO_TRY(may_be_retracted(ports.store, *row));
  Result<std::optional<RetractJobRow>> retraction = retraction_of(ports, *row, way);
  if (!retraction) co_return retraction.error();
  if (!retraction->has_value())
    co_return error(Errc::kNothingToDo, "the network holds nothing of the job");
  if (after(row->state, SendEvent::kRetract))
    co_return co_await end_send(ports, std::move(row).value(), SendEvent::kRetract,
                                "stopped, to be retracted", std::move(*retraction));
  Transaction step;
  step.create(std::move(**retraction));
  step.note(id, ports.clock.unix_ms(), "to be retracted");
  step.update(std::move(row).value());  // nobody else changes the job at the same time
  co_return co_await ports.store.commit(std::move(step));
}

asio::awaitable<Status> retract_expired(EnginePorts ports, const std::vector<SendJobRow>& jobs) {
  for (const SendJobRow& row : jobs) {
    const std::uint64_t time = expires_at(row);
    if (time == 0 || time > ports.clock.unix_ms() / 1000) continue;
    const Result<std::optional<RetractJobRow>> begun = ports.store.retract_job(row.id);
    if (!begun) co_return begun.error();
    if (begun->has_value()) continue;
    Status retracted = co_await retract_send(ports, row.id, row.transport);
    // Nothing of it is in the network, or its user has done something with it just now.
    if (!retracted && retracted.error().code != Errc::kNothingToDo &&
        retracted.error().code != Errc::kStateConflict)
      co_return retracted;
  }
  co_return ok();
}

}  // namespace taubenpost
