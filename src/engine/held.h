// Why send jobs are held although nobody paused them (design 4.5).
#pragma once

#include <map>
#include <string>

#include "model/rows.h"
#include "ports/store.h"

namespace taubenpost {

// Reads the channels once, for any number of jobs. A job that still has to reach a recipient
// through a channel that is unsynchronised does nothing at all: positions from the channel's next
// one on may be used. Neither does one whose inline channel has another job.
class HeldJobs {
 public:
  // `store` outlives this.
  static Result<HeldJobs> read(const ports::Store& store);
  // "restored store: …", "channel … has another job: …", or empty.
  Result<std::string> reason(const SendJobRow& job) const;

 private:
  explicit HeldJobs(const ports::Store& store) : store_(&store) {}
  const ports::Store* store_;
  std::map<ChannelId, ChannelRow> closed_;  // to all jobs, or to all but one
};

// Of one job alone.
Result<std::string> held_reason(const ports::Store& store, const SendJobRow& job);

}  // namespace taubenpost
