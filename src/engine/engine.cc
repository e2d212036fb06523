#include "engine/engine.h"

#include <boost/asio/this_coro.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "engine/end_send.h"
#include "engine/held.h"
#include "engine/in_time.h"
#include "engine/job_queue.h"
#include "engine/receipts.h"
#include "engine/receive_runs.h"
#include "engine/retract_job.h"
#include "engine/retract_send.h"
#include "engine/send_job.h"
#include "engine/task_group.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

// One run over all jobs: what the children leave for the parent.
struct Run {
  EnginePorts ports;
  const EngineOptions& options;
  SendShared& shared;
  JobQueue& queue;
  const std::uint64_t box_max;
  RunSummary summary{};
  std::vector<JobId> outside{};  // inline jobs whose channels have others
  bool is_left = false;          // a job had its last turn: one of those may go on
  std::set<JobId> active{};      // have a coroutine
  bool is_timed = false;         // somebody sleeps a little
  std::optional<Error> error{};  // the first one

  std::uint64_t now() const { return ports.clock.unix_ms() / 1000; }
};

bool has_work(const SendJobRow& row, std::uint64_t now) {
  return !has_ended(row.state) && (!row.paused || !in_time(row, now));
}

// Everything that is unfinished, but what is paused or held: nobody is asked for that. `outside`:
// those that others of the run may let in.
Status fill(JobQueue& queue, std::vector<JobId>& outside, const std::vector<SendJobRow>& sends,
            const EnginePorts& ports) {
  const std::uint64_t now = ports.clock.unix_ms() / 1000;
  const Result<HeldJobs> held = HeldJobs::read(ports.store);
  if (!held) return held.error();
  for (const SendJobRow& row : sends) {
    if (const std::uint64_t time = expires_at(row); time > now) queue.add_expiry(time, row.id);
    if (!has_work(row, now)) continue;
    const Result<std::string> reason = held->reason(row);
    if (!reason) return reason.error();
    if (reason->empty())
      queue.add(row, now);
    else if (row.layout == Layout::kInline)
      outside.push_back(row.id);
  }
  const Result<std::vector<RetractJobRow>> retractions = ports.store.retract_job_rows();
  if (!retractions) return retractions.error();
  for (const RetractJobRow& row : *retractions)
    if (!has_ended(row.state)) queue.add(row);
  return ok();
}

// Those whose time has come: to begin, or to be told that it is too late.
Status wake(Run& run) {
  for (const JobId& id : run.queue.due(run.now())) {
    const Result<SendJobRow> row = run.ports.store.send_job(id);
    if (!row) return row.error();
    if (has_work(*row, run.now()) && !run.active.contains(id)) run.queue.add(*row, run.now());
  }
  return ok();
}

// What its sender wanted to be there no longer than until now.
asio::awaitable<Status> retract_due(Run& run) {
  std::vector<SendJobRow> expired;
  for (const JobId& id : run.queue.expired(run.now())) {
    Result<SendJobRow> row = run.ports.store.send_job(id);
    if (!row) co_return row.error();
    expired.push_back(std::move(row).value());
  }
  TP_CO_TRY(co_await retract_expired(run.ports, expired));
  for (const SendJobRow& row : expired) {
    const Result<std::optional<RetractJobRow>> retraction = run.ports.store.retract_job(row.id);
    if (!retraction) co_return retraction.error();
    const bool is_new = retraction->has_value() && !has_ended((*retraction)->state);
    if (is_new && !run.active.contains(row.id)) run.queue.add(**retraction);
  }
  co_return ok();
}

// Inline jobs whose channels are free now.
Status let_in(Run& run) {
  if (!std::exchange(run.is_left, false) || run.outside.empty()) return ok();
  const Result<HeldJobs> held = HeldJobs::read(run.ports.store);
  if (!held) return held.error();
  for (const JobId& id : std::exchange(run.outside, {})) {
    const Result<SendJobRow> row = run.ports.store.send_job(id);
    if (!row) return row.error();
    const Result<std::string> reason = held->reason(*row);
    if (!reason) return reason.error();
    if (!reason->empty())
      run.outside.push_back(id);
    else if (has_work(*row, run.now()))
      run.queue.add(*row, run.now());
  }
  return ok();
}

asio::awaitable<void> sleep_a_little(Run& run) {
  co_await run.ports.clock.sleep(std::chrono::seconds(1));
  run.is_timed = false;
}

template <class Row>
void count_end(Run& run, const Result<Row>& row, bool good) {
  if (!row) return;
  if (good) ++run.summary.finished;
  if (!good && has_ended(row->state)) ++run.summary.failed;
  if (!good && !has_ended(row->state)) ++run.summary.blocked;
}

asio::awaitable<Status> run_send(Run& run, JobQueue::Turn turn) {
  Result<SendJobRow> row = run.ports.store.send_job(turn.id);
  if (!row) co_return row.error();
  if (!has_work(*row, run.now())) co_return ok();  // it had another turn, and that was the last
  if (row->plan.box_max != 0 && row->plan.box_max != run.box_max) {
    ++run.summary.blocked;  // planned for another geometry: nothing is sent
    co_return ok();
  }
  SendJob job(turn, run.ports, run.options, run.shared);
  Status done = co_await job.run();
  row = run.ports.store.send_job(turn.id);
  if (done && row && has_work(*row, run.now()) && lane_of(*row) != turn.lane) {
    run.queue.add(*row, run.now());
    co_return ok();
  }
  if (done && row && has_work(*row, run.now()) && row->state == SendState::kQueued) {
    run.outside.push_back(turn.id);  // another job has taken one of its channels
    co_return ok();
  }
  run.is_left = true;
  if (done && row && is_receipt(*row) && has_ended(row->state))
    co_return co_await forget_receipt(run.ports, std::move(row).value());
  if (const std::uint64_t time = row ? expires_at(*row) : 0; time != 0)
    run.queue.add_expiry(time, turn.id);
  count_end(run, row, row && row->state == SendState::kPosted);
  co_return done;
}

// What a transfer left that was placed in this run goes out in the same.
Status queue_receipt(Run& run, JobId placed) {
  const Result<SendJobRow> receipt = run.ports.store.send_job(receipt_id(placed));
  if (!receipt && receipt.error().code == Errc::kNotFound) return ok();
  if (!receipt) return receipt.error();
  const Result<std::string> held = held_reason(run.ports.store, *receipt);
  if (!held) return held.error();
  if (held->empty()) run.queue.add(*receipt, run.now());
  return ok();
}

asio::awaitable<Status> run_retract(Run& run, JobId id) {
  RetractJob job(id, run.ports, run.options, run.shared);
  Status done = co_await job.run();
  const Result<std::optional<RetractJobRow>> row = run.ports.store.retract_job(id);
  run.is_left = true;
  if (row && row->has_value() && (*row)->state == RetractState::kRetracted) ++run.summary.finished;
  if (row && row->has_value() && (*row)->state == RetractState::kFailed) ++run.summary.failed;
  co_return done;
}

asio::awaitable<void> end_receive(Run& run, ReceiveRuns::Turn turn) {
  const Result<ReceiveJobRow> row = run.ports.store.receive_job(turn.id);
  count_end(run, row, row && row->state == ReceiveState::kPlaced);
  if (turn.done && row && row->state == ReceiveState::kPlaced)
    turn.done = queue_receipt(run, turn.id);
  if (!turn.done && !run.error) run.error = turn.done.error();
  co_return;
}

asio::awaitable<void> take_turn(Run& run, JobQueue::Turn turn) {
  Status done = ok();
  if (turn.lane == Lane::kRetractions) {
    done = co_await run_retract(run, turn.id);
  } else {
    done = co_await run_send(run, turn);
  }
  if (!done && !run.error) run.error = done.error();
  run.active.erase(turn.id);
  run.queue.leave(turn.lane);
}

// False if it has one already: a job whose deadline passed is seen a second time.
bool start(Run& run, TaskGroup& group, JobQueue::Turn turn) {
  const bool is_new = run.active.insert(turn.id).second;
  if (is_new) group.spawn(take_turn(run, turn));
  return is_new;
}

}  // namespace

asio::awaitable<Result<ports::NetworkView>> connect_to_network(EnginePorts ports) {
  Result<ports::NetworkView> view = co_await ports.network.view(kDaemonLimitMs);
  if (!view) co_return view.error();
  Result<StoreIdentityRow> identity = ports.store.identity();
  if (!identity) co_return identity.error();
  if (identity->bound && identity->network != view->id)
    co_return error(Errc::kRefused, "the daemon is on another network than this store's jobs",
                    "connect to the daemon that was used first, or use another state directory");
  if (!identity->bound) {
    Transaction step;
    step.bind(view->id);
    Status bound = co_await ports.store.commit(std::move(step));
    if (!bound) co_return bound.error();
  }
  co_return view;
}

asio::awaitable<Result<RunSummary>> Engine::run_until_idle() {
  const Result<std::vector<SendJobRow>> sends = ports_.store.send_job_rows();
  if (!sends) co_return sends.error();
  Status expired = co_await retract_expired(ports_, *sends);
  if (!expired) co_return expired.error();
  for (const SendJobRow& row : *sends)  // a run was ended before it got there
    if (is_receipt(row) && has_ended(row.state)) TP_CO_TRY(co_await forget_receipt(ports_, row));
  JobQueue queue;
  std::vector<JobId> outside;
  TP_CO_TRY(fill(queue, outside, *sends, ports_));
  TP_CO_TRY(remove_orphaned_spools(ports_));
  Result<std::vector<ReceiveJobRow>> to_receive = ports_.store.receive_job_rows();
  if (!to_receive) co_return to_receive.error();
  std::erase_if(*to_receive, [](const ReceiveJobRow& row) { return has_ended(row.state); });
  if (queue.empty() && to_receive->empty()) co_return RunSummary{.later = queue.later()};

  Result<ports::NetworkView> view = co_await connect_to_network(ports_);
  if (!view) co_return view.error();
  const auto executor = co_await asio::this_coro::executor;
  SendShared shared(executor, options_);
  Run run{ports_, options_, shared, queue, view->box_max};
  run.outside = std::move(outside);
  TaskGroup group(executor);
  ReceiveRuns receives(
      ports_, options_, {},
      [&run](ReceiveRuns::Turn turn) { return end_receive(run, std::move(turn)); }, group);
  receives.add(std::move(to_receive).value());
  for (;;) {
    Status woken = wake(run);
    if (woken) woken = let_in(run);
    if (woken && !run.error) woken = co_await retract_due(run);
    if (!woken && !run.error) run.error = woken.error();
    std::optional<JobQueue::Turn> turn;
    while (!run.error && (turn = queue.next(shared.body_writes.resting_jobs)))
      if (!start(run, group, *turn)) queue.leave(turn->lane);
    if (run.error) receives.stop();
    if (run.active.empty() && receives.empty()) break;
    if (queue.needs_clock() && !run.is_timed) {
      run.is_timed = true;
      group.spawn(sleep_a_little(run));
    }
    co_await group.wait_for_one();
  }
  co_await group.join();
  if (run.error) co_return *run.error;
  run.summary.later = queue.later();
  co_return run.summary;
}

asio::awaitable<Result<RunSummary>> Engine::run_until_ended(JobId id) {
  for (;;) {
    Result<RunSummary> run = co_await run_until_idle();
    if (!run) co_return run;
    const Result<SendJobRow> row = ports_.store.send_job(id);
    if (!row) co_return row.error();
    const std::uint64_t now_ms = ports_.clock.unix_ms();
    const std::uint64_t begin_ms = row->not_before * 1000;
    if (has_ended(row->state) || row->paused || begin_ms <= now_ms) co_return run;
    co_await ports_.clock.sleep(std::chrono::milliseconds(begin_ms - now_ms));
  }
}

}  // namespace taubenpost
