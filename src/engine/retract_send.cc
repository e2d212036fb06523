#include "engine/retract_send.h"

#include <algorithm>
#include <utility>

#include "bacap/capability.h"
#include "engine/end_send.h"

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

// Boxes of the body that may hold something.
std::uint64_t boxes_of(const SendJobRow& row) {
  return std::min(row.plan.boxes, std::uint64_t{row.next_batch} * row.plan.batch_chunks);
}

asio::awaitable<Status> retract_again(EnginePorts ports, RetractJobRow row, RetractWay way) {
  if (row.state == RetractState::kRetracted)
    co_return error(Errc::kNothingToDo, "the transfer is retracted already");
  if (row.state != RetractState::kFailed)
    co_return error(Errc::kNothingToDo, "the transfer is being retracted already",
                    "'taubenpost serve --until-idle' goes on with it");
  row.direct = way == RetractWay::kDirect;
  row.error_code = 0;
  row.error_text.clear();
  Transaction step;
  step.note(row.job, ports.clock.unix_ms(), "to be retracted once more");
  step.move(std::move(row), RetractEvent::kAgain);
  co_return co_await ports.store.commit(std::move(step));
}

}  // namespace

Result<std::optional<RetractJobRow>> retraction_of(EnginePorts ports, const SendJobRow& row,
                                                   RetractWay way) {
  const Result<std::vector<RecipientRow>> recipients = ports.store.recipients(row.id);
  if (!recipients) return recipients.error();
  const Result<std::vector<BatchRow>> batches = ports.store.batches(row.id);
  if (!batches) return batches.error();
  RetractJobRow retraction;
  retraction.job = row.id;
  retraction.created = ports.clock.unix_ms() / 1000;
  retraction.direct = way == RetractWay::kDirect;
  retraction.boxes = boxes_of(row);
  if (retraction.boxes > 0)
    retraction.next_index = bacap::WriteCap::from_seed(row.plan.body_seed).index().bytes();
  bool has_letters = false;
  for (const RecipientRow& recipient : *recipients) {
    has_letters |= recipient.position != IndexBytes{};
    const bool is_reserved = recipient.state == RecipientState::kReserved;
    const bool was_written =
        recipient.state == RecipientState::kPosted ||
        (recipient.state == RecipientState::kFailed && recipient.position != IndexBytes{}) ||
        (is_reserved && was_copied(*batches, recipient.index));
    if (was_written) retraction.may_have_seen.push_back(recipient.index.value());
  }
  if (!has_letters && retraction.boxes == 0) return std::optional<RetractJobRow>();
  return std::optional<RetractJobRow>(std::move(retraction));
}

asio::awaitable<Status> retract_send(EnginePorts ports, JobId id, RetractWay way) {
  Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) co_return row.error();
  Result<std::optional<RetractJobRow>> existing = ports.store.retract_job(id);
  if (!existing) co_return existing.error();
  if (existing->has_value()) co_return co_await retract_again(ports, std::move(**existing), way);
  if (!has_ended(row->state) && row->state != SendState::kCommitting)
    co_return error(Errc::kRefused, "nobody can find the transfer yet",
                    "'taubenpost cancel --retract' stops it, and deletes what was copied of it");
  Result<std::optional<RetractJobRow>> retraction = retraction_of(ports, *row, way);
  if (!retraction) co_return retraction.error();
  if (!retraction->has_value())
    co_return error(Errc::kNothingToDo, "the network holds nothing of the job");
  if (row->state == SendState::kCommitting || row->state == SendState::kFailed)
    co_return co_await end_send(ports, std::move(row).value(), SendEvent::kRetract,
                                "stopped, to be retracted", std::move(*retraction));
  Transaction step;
  step.create(std::move(**retraction));
  step.note(id, ports.clock.unix_ms(), "to be retracted");
  step.update(std::move(row).value());  // nobody else changes the job at the same time
  co_return co_await ports.store.commit(std::move(step));
}

}  // namespace taubenpost
