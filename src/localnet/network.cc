#include "localnet/network.h"

#include <utility>

namespace taubenpost::localnet {
namespace {

// How often boxes that nobody can see any more are deleted (pigeonhole 7.7).
constexpr Milliseconds kExpiryInterval{6 * 3'600'000};

}  // namespace

Network::Network(Scheduler& scheduler, Random& random, Directory directory,
                 std::unique_ptr<ReplicaStore> store, const Knobs& knobs)
    : scheduler_(scheduler),
      knobs_(knobs),
      directory_(std::move(directory)),
      store_(std::move(store)),
      replicas_(scheduler, directory_, *store_, audit_, random),
      mixnet_(scheduler, couriers_, audit_),
      context_{scheduler, directory_, mixnet_, audit_, random, knobs_} {
  for (std::size_t i = 0; i < kCouriers; ++i)
    couriers_.push_back(
        std::make_unique<Courier>(scheduler, replicas_, audit_, directory_.geometry()));
}

Network::~Network() { stop_expiry(); }

Status Network::expire() {
  for (std::size_t id = 0; id < kReplicas; ++id)
    TP_TRY(store_->drop_older_than(static_cast<ReplicaId>(id), replicas_.replica_epoch()));
  expiry_ = scheduler_.after(kExpiryInterval, [this] {
    // A store that can't delete answers its writers with code 4; there is nobody to tell here.
    static_cast<void>(expire());
  });
  return ok();
}

}  // namespace taubenpost::localnet
