#include "engine/follow.h"

#include <algorithm>

#include "engine/engine.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kPauseMin{5}, kPauseMax{60};

// Also of the daemon: it is waited for.
bool is_passing(Errc code) { return code == Errc::kDaemonGone || is_of_one_channel(code); }

}  // namespace

Follow::Follow(EnginePorts ports, EngineOptions options, std::vector<ChannelId> channels,
               std::string folder, PlaceOptions place, FollowEvents events,
               asio::any_io_executor executor)
    : ports_(ports),
      options_(options),
      channels_(std::move(channels)),
      folder_(std::move(folder)),
      place_(std::move(place)),
      events_(std::move(events)),
      jobs_(std::move(executor)),
      runs_(
          ports_, options_, {},
          [this](ReceiveRuns::Turn turn) { return take_turn(std::move(turn)); }, jobs_) {}

asio::awaitable<Status> Follow::run() {
  std::chrono::seconds pause = kPauseMin;
  while (!error_) {
    const PollSummary found = co_await round();
    pause = found.letters > 0 ? kPauseMin : std::min(2 * pause, kPauseMax);
    if (!error_ && found.more == 0) co_await ports_.clock.sleep(pause);
  }
  runs_.stop();
  co_await jobs_.join();
  co_return *error_;
}

asio::awaitable<PollSummary> Follow::round() {
  PollSummary found;
  Status polled = co_await poll(found);
  if (!polled) {
    take(polled.error());
  } else {
    events_.polled(found);
    start_jobs();
  }
  co_return found;
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

// Also those of earlier runs. Those that could not go on come behind all that wait for a place, so
// that many which have to wait hold up no other.
void Follow::start_jobs() {
  Result<std::vector<ReceiveJobRow>> rows = ports_.store.receive_job_rows();
  if (!rows) return take(rows.error());
  runs_.add(std::move(rows).value());
}

asio::awaitable<void> Follow::take_turn(ReceiveRuns::Turn turn) {
  if (!turn.done) take(turn.done.error());
  const Result<ReceiveJobRow> row = ports_.store.receive_job(turn.id);
  if (turn.done && row && has_ended(row->state)) {
    Status told = co_await events_.ended(turn.id);
    if (!told && !error_) error_ = told.error();
  } else if (!turn.waits_for.empty()) {
    events_.waits(turn.id, turn.waits_for);
  }
  if (error_) runs_.stop();
}

void Follow::take(const Error& failure) {
  if (is_passing(failure.code))
    events_.trouble(failure);
  else if (!error_)
    error_ = failure;
}

}  // namespace taubenpost
