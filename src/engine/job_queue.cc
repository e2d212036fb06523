#include "engine/job_queue.h"

#include <algorithm>
#include <limits>

#include "engine/in_time.h"

namespace taubenpost {
namespace {

// Content of no more bytes may fit into its letter; which it does is known when it is planned.
constexpr std::uint64_t kSmallContent = 1200;
// However many bodies rest, their spools and coroutines stay few.
constexpr std::size_t kLentPlaces = 8;

}  // namespace

Lane lane_of(const SendJobRow& row) {
  switch (row.state) {
    case SendState::kQueued:
    case SendState::kPreparing:
      return row.identity.size <= kSmallContent ? Lane::kLetters : Lane::kBodies;
    case SendState::kUploading:
      return row.plan.boxes == 0 ? Lane::kLetters : Lane::kBodies;
    default:
      return Lane::kLetters;
  }
}

// What is decided goes first: some of its recipients may have their letter already.
std::int64_t rank_of(const SendJobRow& row) {
  if (row.state == SendState::kCommitting) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(row.created) - row.priority * kPriorityStepS;
}

std::int64_t rank_of(const RetractJobRow& row) { return static_cast<std::int64_t>(row.created); }

void JobQueue::add(const SendJobRow& row, std::uint64_t now) {
  if (row.not_before > now) {
    begins_.emplace(row.not_before, row.id);
    return;
  }
  // There is nothing left to do for it but to say so, and that waits for no body.
  const bool is_over = !in_time(row, now);
  add(is_over ? Lane::kLetters : lane_of(row), rank_of(row), row.id);
  if (row.deadline > now) deadlines_.emplace(row.deadline, row.id);
}

void JobQueue::take_until(std::uint64_t now, Times& times, std::vector<JobId>& ids) {
  while (!times.empty() && times.begin()->first <= now)
    ids.push_back(times.extract(times.begin()).mapped());
}

std::vector<JobId> JobQueue::due(std::uint64_t now) {
  std::vector<JobId> ids;
  take_until(now, begins_, ids);
  take_until(now, deadlines_, ids);
  return ids;
}

std::vector<JobId> JobQueue::expired(std::uint64_t now) {
  std::vector<JobId> ids;
  take_until(now, expiries_, ids);
  return ids;
}

void JobQueue::add(Lane lane, std::int64_t rank, JobId id) { of(lane).jobs.emplace(rank, id); }

std::optional<JobQueue::Turn> JobQueue::next(std::size_t resting_bodies) {
  const int lent = static_cast<int>(std::min(resting_bodies, kLentPlaces));
  for (const Lane lane : {Lane::kRetractions, Lane::kLetters, Lane::kBodies}) {
    Waiting& waiting = of(lane);
    const int free = waiting.free + (lane == Lane::kBodies ? lent : 0);
    if (free <= 0 || waiting.jobs.empty()) continue;
    --waiting.free;
    return Turn{lane, waiting.jobs.extract(waiting.jobs.begin()).value().second};
  }
  return std::nullopt;
}

void JobQueue::leave(Lane lane) { ++of(lane).free; }

bool JobQueue::empty() const {
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const Waiting& waiting) { return waiting.jobs.empty(); });
}

}  // namespace taubenpost
