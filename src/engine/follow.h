// Receiving without an end: what arrives on some channels is fetched and placed, for as long as it
// is wanted.
//
// Rounds and jobs go on beside each other: a large transfer holds up neither the channels nor the
// other transfers. Safe to destroy or kill at any instruction.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/poll.h"
#include "engine/ports.h"
#include "engine/receive_runs.h"
#include "engine/task_group.h"

namespace taubenpost {

// What Follow tells its owner; each may be called at any time.
struct FollowEvents {
  std::function<void(const PollSummary&)> polled;
  // A job has come to its end. An error ends all.
  std::function<boost::asio::awaitable<Status>(JobId)> ended;
  // No daemon, no clear answer: it tries again.
  std::function<void(const Error&)> trouble;
  // A job can't go on for that reason; it is tried again after the next round.
  std::function<void(JobId, const std::string&)> waits;
};

class Follow {
 public:
  Follow(EnginePorts ports, EngineOptions options, std::vector<ChannelId> channels,
         std::string folder, PlaceOptions place, FollowEvents events,
         boost::asio::any_io_executor executor);

  // Polls again after some seconds, and up to a minute while nothing comes. Returns errors only:
  // those of the store, kRefused (another network), what `ended` returned.
  boost::asio::awaitable<Status> run();

 private:
  boost::asio::awaitable<PollSummary> round();
  boost::asio::awaitable<Status> poll(PollSummary& found);
  void start_jobs();
  boost::asio::awaitable<void> take_turn(ReceiveRuns::Turn turn);
  void take(const Error& failure);

  EnginePorts ports_;
  const EngineOptions options_;
  const std::vector<ChannelId> channels_;
  const std::string folder_;
  const PlaceOptions place_;
  const FollowEvents events_;
  std::optional<Error> error_;  // the first one that ends all
  TaskGroup jobs_;              // of runs_
  ReceiveRuns runs_;            // last: nothing that its jobs use dies before it
};

}  // namespace taubenpost
