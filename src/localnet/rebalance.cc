#include "localnet/rebalance.h"

#include "bacap/epochs.h"

namespace taubenpost::localnet {
namespace {

constexpr std::size_t kBoxesPerStep = 32;

}  // namespace

void Rebalance::observe(ReplicaId self, const ReplicaSet& members) {
  const auto running = running_.find(self);
  const bool is_known = running != running_.end() ? running->second.members == members
                                                  : store_.members_seen_by(self) == members;
  if (is_known) return;
  running_[self] = Run{++runs_, members, {}};
  post_step(self, runs_);
}

void Rebalance::post_step(ReplicaId self, std::uint64_t run) {
  scheduler_.post([this, self, run] {
    const auto found = running_.find(self);
    if (found != running_.end() && found->second.number == run) step(self, found->second);
  });
}

void Rebalance::step(ReplicaId self, Run& run) {
  const std::uint64_t epoch = bacap::replica_epoch(scheduler_.unix_ms() / 1000);
  const auto boxes = store_.boxes(self, epoch, run.cursor, kBoxesPerStep);
  for (const Box& box : boxes) send_(self, box);
  if (!boxes.empty()) return post_step(self, run.number);
  store_.record_members(self, run.members);
  running_.erase(self);
}

}  // namespace taubenpost::localnet
