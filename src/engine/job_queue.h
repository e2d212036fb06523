// JobQueue: which job that writes runs next. It knows ids and ranks only, so that ten thousand jobs
// may wait.
//
// A job waits in the lane of what it needs next; each lane has places of its own, so that long work
// of one kind never keeps out another. Within a lane the smallest rank goes first: the time at
// which the job was queued, less an hour for each step of its priority. Rank does not change while
// a job waits, and those that come later rank later, so that nobody is overtaken for ever.
//
// Some jobs wait for a time before they wait for a turn, and some have only until a deadline.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "model/rows.h"

namespace taubenpost {

inline constexpr int kPriorityMax = 9;  // and the least is its negative
inline constexpr std::int64_t kPriorityStepS = 3600;

enum class Lane : std::uint8_t {
  kBodies,       // content is spooled and uploaded: packets for hours
  kLetters,      // letters, also of content that fits into them: a few packets
  kRetractions,  // tombstones over letters and bodies
};

// Where the job has to wait for its next step, and the rank that it waits with.
Lane lane_of(const SendJobRow& row);
std::int64_t rank_of(const SendJobRow& row);
std::int64_t rank_of(const RetractJobRow& row);

class JobQueue {
 public:
  struct Turn {
    Lane lane;
    JobId id;
  };

  // One that may not begin yet waits for its time. One with a deadline is seen again when that has
  // passed, whatever its lane does.
  void add(const SendJobRow& row, std::uint64_t now);
  void add(const RetractJobRow& row) { add(Lane::kRetractions, rank_of(row), row.job); }
  // It is at its end, and to be retracted at this time.
  void add_expiry(std::uint64_t time, JobId id) { expiries_.emplace(time, id); }
  // Takes out the ids whose time or deadline has come: they are to be added again.
  std::vector<JobId> due(std::uint64_t now);
  // Takes out those that have expired.
  std::vector<JobId> expired(std::uint64_t now);
  // Whether there is something to do that no end of a job announces: somebody waits.
  bool needs_clock() const { return later() > 0 || !expiries_.empty() || !empty(); }
  std::size_t later() const { return begins_.size(); }  // those that may not begin yet
  // The next one that has a place; it keeps the place until leave(). Bodies that rest lend theirs:
  // a few more may run when they go on.
  std::optional<Turn> next(std::size_t resting_bodies = 0);
  void leave(Lane lane);
  bool empty() const;  // nobody waits for a turn

 private:
  struct Waiting {
    int free;                                       // less than none while places are lent
    std::set<std::pair<std::int64_t, JobId>> jobs;  // by rank
  };
  void add(Lane lane, std::int64_t rank, JobId id);
  Waiting& of(Lane lane) { return lanes_.at(static_cast<std::size_t>(lane)); }

  using Times = std::multimap<std::uint64_t, JobId>;
  static void take_until(std::uint64_t now, Times& times, std::vector<JobId>& ids);

  Times begins_, deadlines_, expiries_;
  // Two bodies, so that the packets of one fill the pauses of the other. More would only make each
  // of them later, and spool what can't be sent for days.
  std::array<Waiting, 3> lanes_{Waiting{2, {}}, Waiting{16, {}}, Waiting{4, {}}};
};

}  // namespace taubenpost
