#include "engine/receive_runs.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <tuple>

#include "engine/engine.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kAtOnce = 16;

}  // namespace

void ReceiveRuns::add(std::vector<ReceiveJobRow> rows) {
  std::ranges::sort(rows, {}, [](const ReceiveJobRow& row) {
    return std::tuple(row.created, row.channel, row.counter, row.id);
  });
  for (const ReceiveJobRow& row : rows) {
    if (has_ended(row.state) || jobs_.contains(row.id)) continue;
    Job job{{row.channel, wanted_path(row)}, row.counter};
    names_[job.name].emplace(row.counter, row.id);
    jobs_.emplace(row.id, std::move(job));
    waiting_.push_back(row.id);
  }
  start();
}

void ReceiveRuns::stop() {
  std::vector<JobId> idle;
  for (const auto& [id, job] : jobs_)
    if (job.is != Job::Is::kRunning) idle.push_back(id);
  for (const JobId& id : idle) leave(id);
  waiting_.clear();
}

void ReceiveRuns::start() {
  while (running_ < kAtOnce && !waiting_.empty()) {
    const JobId id = waiting_.front();
    waiting_.pop_front();
    jobs_.at(id).is = Job::Is::kRunning;
    ++running_;
    group_.spawn(run(id));
  }
}

asio::awaitable<void> ReceiveRuns::run(JobId id) {
  ReceiveJob job(id, ports_, options_, goal_, [this, id] { return has_turn(id); });
  Turn turn;
  turn.id = id;
  turn.done = co_await job.run();
  turn.waits_for = job.waits_for();
  if (job.is_out_of_turn()) {
    jobs_.at(id).is = Job::Is::kResting;
  } else {
    const bool failed = !turn.done;
    co_await on_turn_(std::move(turn));
    leave(id);
    if (failed) stop();
  }
  --running_;
  start();
}

bool ReceiveRuns::has_turn(JobId id) const {
  return names_.at(jobs_.at(id).name).begin()->second == id;
}

// The next one of that name may have been waiting for this.
void ReceiveRuns::leave(JobId id) {
  const auto job = jobs_.extract(id);
  const auto name = names_.find(job.mapped().name);
  name->second.erase({job.mapped().counter, id});
  if (name->second.empty()) {
    names_.erase(name);
    return;
  }
  const JobId next = name->second.begin()->second;
  if (jobs_.at(next).is != Job::Is::kResting) return;
  jobs_.at(next).is = Job::Is::kWaiting;
  waiting_.push_front(next);
}

namespace {

asio::awaitable<void> keep_first(std::optional<Error>& error, ReceiveRuns::Turn turn) {
  if (!turn.done && !error) error = turn.done.error();
  co_return;
}

}  // namespace

asio::awaitable<Status> run_receives(EnginePorts ports, EngineOptions options,
                                     std::vector<JobId> jobs, ReceiveGoal goal) {
  const Result<ports::NetworkView> network = co_await connect_to_network(ports);
  if (!network) co_return network.error();
  std::vector<ReceiveJobRow> rows;
  for (const JobId& id : jobs) {
    Result<ReceiveJobRow> row = ports.store.receive_job(id);
    if (!row) co_return row.error();
    rows.push_back(std::move(row).value());
  }
  std::optional<Error> failure;
  TaskGroup group(co_await asio::this_coro::executor);
  ReceiveRuns runs(
      ports, options, goal,
      [&failure](ReceiveRuns::Turn turn) { return keep_first(failure, std::move(turn)); }, group);
  runs.add(std::move(rows));
  co_await group.join();
  if (failure) co_return *failure;
  co_return ok();
}

}  // namespace taubenpost
