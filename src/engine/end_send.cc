#include "engine/end_send.h"

#include <utility>

#include "base/failpoint.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

asio::awaitable<Status> end_send(EnginePorts ports, SendJobRow row, SendEvent event,
                                 std::string note) {
  const JobId id = row.id;
  const Result<std::vector<BatchRow>> batches = ports.store.batches(id);
  if (!batches) co_return batches.error();
  row.finished = ports.clock.unix_ms() / 1000;
  Transaction step;
  for (const BatchRow& batch : batches.value()) {
    step.drop_elements(id, batch.index);
    step.drop_batch(id, batch.index);
  }
  step.note(id, ports.clock.unix_ms(), std::move(note));
  step.move(std::move(row), event);
  Status ended = co_await ports.store.commit(std::move(step));
  if (!ended) co_return ended.error();
  TP_FAILPOINT("send.ended");
  co_return ports.files.remove_spool(id);
}

asio::awaitable<Status> cancel_send(EnginePorts ports, JobId id) {
  Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) co_return row.error();
  switch (row->state) {
    case SendState::kQueued:
    case SendState::kPreparing:
    case SendState::kUploading:
      co_return co_await end_send(ports, std::move(row).value(), SendEvent::kCancel, "cancelled");
    case SendState::kCommitting:
    case SendState::kPosted:
      co_return error(Errc::kRefused, "the letters are decided: recipients may have found them",
                      "a posted transfer can't be called back yet");
    case SendState::kFailed:
    case SendState::kCancelled:
      break;
  }
  co_return error(Errc::kNothingToDo, "the job is at its end already");
}

Status remove_orphaned_spools(EnginePorts ports) {
  const Result<std::vector<JobId>> spools = ports.files.spools();
  if (!spools) return spools.error();
  for (const JobId& id : spools.value()) {
    const Result<SendJobRow> row = ports.store.send_job(id);
    if (!row && row.error().code != Errc::kNotFound) return row.error();
    if (!row || is_terminal(row->state)) TP_TRY(ports.files.remove_spool(id));
  }
  return ok();
}

}  // namespace taubenpost
