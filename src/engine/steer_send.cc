#include "engine/steer_send.h"

#include <cstdlib>
#include <utility>

#include "engine/in_time.h"
#include "engine/job_queue.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

Status undecided(const SendJobRow& row) {
  switch (row.state) {
    case SendState::kQueued:
    case SendState::kPreparing:
    case SendState::kUploading:
      return ok();
    case SendState::kCommitting:
      return error(Errc::kRefused, "the letters are decided: the job goes on to its end");
    case SendState::kPosted:
    case SendState::kFailed:
    case SendState::kCancelled:
      break;
  }
  return error(Errc::kNothingToDo, "the job is at its end already");
}

asio::awaitable<Status> set_paused(EnginePorts ports, JobId id, bool paused) {
  Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) co_return row.error();
  TP_CO_TRY(undecided(row.value()));
  if (row->paused == paused)
    co_return error(Errc::kNothingToDo, paused ? "the job is paused already" : "it is not paused");
  row->paused = paused;
  Transaction step;
  step.note(id, ports.clock.unix_ms(), paused ? "paused" : "resumed");
  step.update(std::move(row).value());
  co_return co_await ports.store.commit(std::move(step));
}

}  // namespace

asio::awaitable<Status> pause_send(EnginePorts ports, JobId id) {
  co_return co_await set_paused(ports, id, true);
}

asio::awaitable<Status> resume_send(EnginePorts ports, JobId id) {
  co_return co_await set_paused(ports, id, false);
}

Status valid_priority(int priority) {
  if (std::abs(priority) <= kPriorityMax) return ok();
  return error(Errc::kUsage, std::to_string(priority) + " is no priority",
               "use a number from -9 (later) to 9 (sooner); 0 is usual");
}

asio::awaitable<Status> set_priority(EnginePorts ports, JobId id, int priority) {
  TP_CO_TRY(valid_priority(priority));
  Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) co_return row.error();
  TP_CO_TRY(undecided(row.value()));
  if (row->priority == priority)
    co_return error(Errc::kNothingToDo, "the job has that priority already");
  row->priority = static_cast<std::int8_t>(priority);
  Transaction step;
  step.note(id, ports.clock.unix_ms(), "priority " + std::to_string(priority));
  step.update(std::move(row).value());
  co_return co_await ports.store.commit(std::move(step));
}

Status may_start_work(const EnginePorts& ports, JobId id) {
  const Result<SendJobRow> row = ports.store.send_job(id);
  if (!row) return row.error();
  if (row->paused) return error(Errc::kCancelled, "the job is paused");
  if (!in_time(*row, ports.clock.unix_ms() / 1000))
    return error(Errc::kCancelled, "it is too late for the job");
  if (has_ended(row->state)) return error(Errc::kCancelled, "the job is at its end");
  return ok();
}

}  // namespace taubenpost
