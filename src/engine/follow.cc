#include "engine/follow.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "engine/engine.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kJobsAtOnce = 16;
constexpr std::chrono::seconds kPauseMin{5}, kPauseMax{60};

// Passes by itself, or belongs to one channel or job.
bool is_passing(Errc code) {
  return code == Errc::kDaemonGone || code == Errc::kTemporary || code == Errc::kStateConflict ||
         code == Errc::kRejected;
}

// What the children of run_receives leave for it.
struct Some {
  EnginePorts ports;
  const EngineOptions options;
  const ReceiveGoal goal;
  std::vector<JobId> verified;
  std::optional<Error> error;  // the first one
};

asio::awaitable<void> run_one(Some& some, JobId id) {
  ReceiveJob job(id, some.ports, some.options, some.goal);
  Status done = co_await job.run();
  if (!done && !some.error) some.error = done.error();
  if (job.is_verified()) some.verified.push_back(id);
}

}  // namespace

asio::awaitable<Result<std::vector<JobId>>> run_receives(EnginePorts ports, EngineOptions options,
                                                         std::vector<JobId> jobs,
                                                         ReceiveGoal goal) {
  const Result<ports::NetworkView> network = co_await connect_to_network(ports);
  if (!network) co_return network.error();
  Some some{ports, options, std::move(goal), {}, std::nullopt};
  TaskGroup group(co_await asio::this_coro::executor);
  for (const JobId& id : jobs) {
    while (group.running() >= kJobsAtOnce) co_await group.wait_for_one();
    if (some.error) break;
    group.spawn(run_one(some, id));
  }
  co_await group.join();
  if (some.error) co_return *some.error;
  co_return std::move(some.verified);
}

Follow::Follow(EnginePorts ports, EngineOptions options, std::vector<ChannelId> channels,
               std::string folder, PlaceOptions place, FollowEvents events,
               asio::any_io_executor executor)
    : ports_(ports),
      options_(options),
      channels_(std::move(channels)),
      folder_(std::move(folder)),
      place_(std::move(place)),
      events_(std::move(events)),
      jobs_(std::move(executor)) {}

asio::awaitable<Status> Follow::run() {
  std::chrono::seconds pause = kPauseMin;
  while (!error_) {
    const bool found = co_await round();
    pause = found ? kPauseMin : std::min(2 * pause, kPauseMax);
    if (!error_) co_await ports_.clock.sleep(pause);
  }
  co_await jobs_.join();
  co_return *error_;
}

asio::awaitable<bool> Follow::round() {
  PollSummary found;
  Status polled = co_await poll(found);
  if (!polled) {
    take(polled.error());
  } else {
    events_.polled(found);
    start_jobs();
  }
  co_return found.letters > 0;
}

asio::awaitable<Status> Follow::poll(PollSummary& found) {
  const Result<ports::NetworkView> network = co_await connect_to_network(ports_);
  if (!network) co_return network.error();
  for (const ChannelId& channel : channels_) {
    const Result<PollSummary> one = co_await poll_channel(ports_, channel, folder_, place_);
    if (one)
      found += *one;
    else if (is_passing(one.error().code))
      take(one.error());  // the other channels are polled all the same
    else
      co_return one.error();
  }
  co_return ok();
}

// Also those of earlier runs, and those that could not go on when they were run last: each in its
// turn, so that many which have to wait hold up no other.
void Follow::start_jobs() {
  Result<std::vector<ReceiveJobRow>> rows = ports_.store.receive_job_rows();
  if (!rows) return take(rows.error());
  const auto last = std::ranges::find(rows.value(), last_started_, &ReceiveJobRow::id);
  if (last != rows->end()) std::rotate(rows->begin(), last + 1, rows->end());
  for (const ReceiveJobRow& row : rows.value()) {
    if (jobs_.running() >= kJobsAtOnce) break;
    if (has_ended(row.state) || !running_.insert(row.id).second) continue;
    last_started_ = row.id;
    jobs_.spawn(run_job(row.id));
  }
}

asio::awaitable<void> Follow::run_job(JobId id) {
  ReceiveJob job(id, ports_, options_);
  Status done = co_await job.run();
  if (!done) take(done.error());
  const Result<ReceiveJobRow> row = ports_.store.receive_job(id);
  if (done && row && has_ended(row->state)) {
    Status told = co_await events_.ended(id);
    if (!told && !error_) error_ = told.error();
  }
  running_.erase(id);
}

void Follow::take(const Error& failure) {
  if (is_passing(failure.code))
    events_.trouble(failure);
  else if (!error_)
    error_ = failure;
}

}  // namespace taubenpost
