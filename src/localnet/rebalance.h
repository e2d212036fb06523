// What replicas do when the set of replicas in the directory changes (pigeonhole 7.5): each sends
// every box that it keeps to the other shards of that box.
//
// The set that a replica has dealt with is recorded in the store once all is sent, so that a
// process that ends before begins anew. A few boxes at a time, each step on the scheduler: a full
// store leaves the daemon responsive.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "localnet/replica_store.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Rebalance {
 public:
  using Send = std::function<void(ReplicaId from, const Box& box)>;

  // Scheduler, store and what `send` needs outlive it.
  Rebalance(Scheduler& scheduler, ReplicaStore& store, Send send)
      : scheduler_(scheduler), store_(store), send_(std::move(send)) {}

  // The replica sees these replicas in the directory: it begins, or begins anew, if it has not
  // dealt with just this set.
  void observe(ReplicaId self, const ReplicaSet& members);
  // The replica is gone, with what it had begun.
  void forget(ReplicaId self) { running_.erase(self); }

 private:
  struct Run {
    std::uint64_t number = 0;
    ReplicaSet members;
    std::string cursor;  // what was sent
  };
  void post_step(ReplicaId self, std::uint64_t run);
  void step(ReplicaId self, Run& run);

  Scheduler& scheduler_;
  ReplicaStore& store_;
  const Send send_;
  std::map<ReplicaId, Run> running_;
  std::uint64_t runs_ = 0;
};

}  // namespace taubenpost::localnet
