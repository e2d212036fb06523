// Receiving without an end: what arrives on some channels is fetched and placed, for as long as it
// is wanted. And receiving of some jobs only.
//
// Rounds and jobs go on beside each other: a large transfer holds up neither the channels nor the
// other transfers. Safe to destroy or kill at any instruction.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/poll.h"
#include "engine/ports.h"
#include "engine/receive_job.h"
#include "engine/task_group.h"

namespace taubenpost {

// Brings these jobs to the goal, or as far as they get; each says in its row how far that is.
// Returns those that are only verified. Errors: of the engine (engine.h).
boost::asio::awaitable<Result<std::vector<JobId>>> run_receives(EnginePorts ports,
                                                                EngineOptions options,
                                                                std::vector<JobId> jobs,
                                                                ReceiveGoal goal);

// What Follow tells its owner; each may be called at any time.
struct FollowEvents {
  std::function<void(const PollSummary&)> polled;
  // A job has come to its end. An error ends all.
  std::function<boost::asio::awaitable<Status>(JobId)> ended;
  // No daemon, no clear answer: it tries again.
  std::function<void(const Error&)> trouble;
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
  boost::asio::awaitable<bool> round();
  boost::asio::awaitable<Status> poll(PollSummary& found);
  void start_jobs();
  boost::asio::awaitable<void> run_job(JobId id);
  void take(const Error& failure);

  EnginePorts ports_;
  const EngineOptions options_;
  const std::vector<ChannelId> channels_;
  const std::string folder_;
  const PlaceOptions place_;
  const FollowEvents events_;
  std::set<JobId> running_;
  JobId last_started_{};
  std::optional<Error> error_;  // the first one that ends all
  TaskGroup jobs_;              // last: nothing that its children use dies before it
};

}  // namespace taubenpost
