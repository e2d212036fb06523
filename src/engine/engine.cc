#include "engine/engine.h"

#include <boost/asio/this_coro.hpp>
#include <optional>

#include "engine/end_send.h"
#include "engine/held.h"
#include "engine/receive_job.h"
#include "engine/retract_job.h"
#include "engine/retract_send.h"
#include "engine/send_job.h"
#include "engine/task_group.h"

namespace taubenpost {
namespace asio = boost::asio;
using ports::Transaction;

namespace {

constexpr std::size_t kJobsAtOnce = 16;

// One run over all jobs: what the children leave for the parent.
struct Run {
  EnginePorts ports;
  const EngineOptions& options;
  SendShared& shared;
  RunSummary summary;
  std::optional<Error> error;  // the first one
};

// Nobody is asked for what is paused or held.
Result<bool> has_work(const ports::Store& store, const SendJobRow& row) {
  if (has_ended(row.state) || row.paused) return false;
  const Result<std::string> reason = held_reason(store, row);
  if (!reason) return reason.error();
  return reason->empty();
}
Result<bool> has_work(const ports::Store&, const ReceiveJobRow& row) {
  return !has_ended(row.state);
}

template <class Row>
Result<std::vector<JobId>> with_work(const ports::Store& store, const std::vector<Row>& rows) {
  std::vector<JobId> out;
  for (const Row& row : rows) {
    const Result<bool> work = has_work(store, row);
    if (!work) return work.error();
    if (*work) out.push_back(row.id);
  }
  return out;
}

// Retractions that are not at their end, by their jobs.
Result<std::vector<JobId>> open_retractions(const ports::Store& store,
                                            const std::vector<SendJobRow>& jobs) {
  std::vector<JobId> out;
  for (const SendJobRow& job : jobs) {
    const Result<std::optional<RetractJobRow>> row = store.retract_job(job.id);
    if (!row) return row.error();
    if (row->has_value() && !has_ended((*row)->state)) out.push_back(job.id);
  }
  return out;
}

template <class Row>
void count_end(Run& run, const Result<Row>& row, bool good) {
  if (!row) return;
  if (good) ++run.summary.finished;
  if (!good && has_ended(row->state)) ++run.summary.failed;
  if (!good && !has_ended(row->state)) ++run.summary.blocked;
}

asio::awaitable<void> run_send(Run& run, JobId id) {
  SendJob job(id, run.ports, run.options, run.shared);
  Status done = co_await job.run();
  if (!done && !run.error) run.error = done.error();
  Result<SendJobRow> row = run.ports.store.send_job(id);
  count_end(run, row, row && row->state == SendState::kPosted);
}

asio::awaitable<void> run_retract(Run& run, JobId id) {
  RetractJob job(id, run.ports, run.options, run.shared);
  Status done = co_await job.run();
  if (!done && !run.error) run.error = done.error();
  const Result<std::optional<RetractJobRow>> row = run.ports.store.retract_job(id);
  if (!row || !row->has_value()) co_return;
  if ((*row)->state == RetractState::kRetracted) ++run.summary.finished;
  if ((*row)->state == RetractState::kFailed) ++run.summary.failed;
}

asio::awaitable<void> run_receive(Run& run, JobId id) {
  ReceiveJob job(id, run.ports, run.options);
  Status done = co_await job.run();
  if (!done && !run.error) run.error = done.error();
  Result<ReceiveJobRow> row = run.ports.store.receive_job(id);
  count_end(run, row, row && row->state == ReceiveState::kPlaced);
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
  Status expired = co_await retract_expired(ports_);
  if (!expired) co_return expired.error();
  const Result<std::vector<SendJobRow>> send_rows = ports_.store.send_job_rows();
  if (!send_rows) co_return send_rows.error();
  const Result<std::vector<ReceiveJobRow>> receive_rows = ports_.store.receive_job_rows();
  if (!receive_rows) co_return receive_rows.error();
  const Result<std::vector<JobId>> retractions = open_retractions(ports_.store, *send_rows);
  if (!retractions) co_return retractions.error();
  const Result<std::vector<JobId>> sends = with_work(ports_.store, *send_rows);
  if (!sends) co_return sends.error();
  const Result<std::vector<JobId>> receives = with_work(ports_.store, *receive_rows);
  if (!receives) co_return receives.error();
  TP_CO_TRY(remove_orphaned_spools(ports_));
  if (sends->empty() && receives->empty() && retractions->empty()) co_return RunSummary{};

  Result<ports::NetworkView> view = co_await connect_to_network(ports_);
  if (!view) co_return view.error();
  const auto executor = co_await asio::this_coro::executor;
  SendShared shared(executor, options_);
  Run run{ports_, options_, shared, {}, std::nullopt};
  TaskGroup group(executor);
  for (const JobId& id : retractions.value()) {  // first: a letter that is not found yet
    while (group.running() >= kJobsAtOnce) co_await group.wait_for_one();
    if (run.error) break;
    group.spawn(run_retract(run, id));
  }
  for (const JobId& id : sends.value()) {
    Result<SendJobRow> row = ports_.store.send_job(id);
    if (row && row->plan.box_max != 0 && row->plan.box_max != view->box_max) {
      ++run.summary.blocked;  // planned for another geometry: nothing is sent
      continue;
    }
    while (group.running() >= kJobsAtOnce) co_await group.wait_for_one();
    if (run.error) break;
    group.spawn(run_send(run, id));
  }
  for (const JobId& id : receives.value()) {
    while (group.running() >= kJobsAtOnce) co_await group.wait_for_one();
    if (run.error) break;
    group.spawn(run_receive(run, id));
  }
  co_await group.join();
  if (run.error) co_return *run.error;
  co_return run.summary;
}

}  // namespace taubenpost
