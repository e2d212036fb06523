// ReceiveRuns: the one runner of receive jobs. Some run at a time, the others wait for a place.
//
// Transfers of one channel that are to have the same name in the same folder are placed in the
// order of their positions: a later one rests, and leaves its place to others, until the earlier
// ones have ended or can't go on now. Nothing of this is durable, and a restart needs nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports.h"
#include "engine/receive_job.h"
#include "engine/task_group.h"

namespace taubenpost {

class ReceiveRuns {
 public:
  // How a run of a job has ended: with an error of the engine (engine.h), or with the job as its
  // row says, which can't go on now where `waits_for` says why.
  struct Turn {
    JobId id{};
    Status done = ok();
    std::string waits_for;
  };
  using OnTurn = std::function<boost::asio::awaitable<void>(Turn)>;

  // Runs are children of `group`, which is joined before this is destroyed; all that is referred to
  // outlives both. A job has its place until `on_turn` has ended.
  ReceiveRuns(EnginePorts ports, const EngineOptions& options, ReceiveGoal goal, OnTurn on_turn,
              TaskGroup& group)
      : ports_(ports),
        options_(options),
        goal_(goal),
        on_turn_(std::move(on_turn)),
        group_(group) {}

  // Takes in those that are not at an end and not in yet, the oldest first.
  void add(std::vector<ReceiveJobRow> rows);
  // Nobody else begins. An error of a run does the same: it would be that of the others.
  void stop();
  bool empty() const { return jobs_.empty(); }

 private:
  using Name = std::pair<ChannelId, std::string>;  // what is to have which path
  using Place = std::pair<std::uint64_t, JobId>;   // of a job among those of the same name
  struct Job {
    Name name;
    std::uint64_t counter = 0;
    enum class Is : std::uint8_t { kWaiting, kRunning, kResting } is = Is::kWaiting;
  };

  void start();
  boost::asio::awaitable<void> run(JobId id);
  bool has_turn(JobId id) const;
  void leave(JobId id);

  EnginePorts ports_;
  const EngineOptions& options_;
  const ReceiveGoal goal_;
  const OnTurn on_turn_;
  TaskGroup& group_;
  std::map<JobId, Job> jobs_;
  std::map<Name, std::set<Place>> names_;
  std::deque<JobId> waiting_;
  std::size_t running_ = 0;
};

// Brings these jobs to the goal, or as far as they get; each says in its row how far that is.
// Errors: of the engine (engine.h).
boost::asio::awaitable<Status> run_receives(EnginePorts ports, EngineOptions options,
                                            std::vector<JobId> jobs, ReceiveGoal goal);

}  // namespace taubenpost
