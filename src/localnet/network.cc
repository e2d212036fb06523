#include "localnet/network.h"

#include <utility>

namespace taubenpost::localnet {
namespace {

// How often boxes that nobody can see any more are deleted (pigeonhole 7.7).
constexpr Milliseconds kExpiryInterval{6 * 3'600'000};

}  // namespace

Network::Network(Scheduler& scheduler, Random& random, Directory directory,
                 std::unique_ptr<ReplicaStore> store, const Knobs& knobs,
                 const DaemonBehaviour& behaviour)
    : scheduler_(scheduler),
      knobs_(knobs),
      directory_(std::move(directory)),
      audit_(directory_.size()),
      store_(std::move(store)),
      replicas_(scheduler, directory_, *store_, audit_, random, knobs_),
      gateway_(scheduler, knobs_),
      mixnet_(scheduler, couriers_, audit_, random, knobs_, gateway_),
      slots_(scheduler, random, knobs_, audit_),
      decrypter_(scheduler),
      context_{scheduler, directory_, mixnet_,    audit_,   random,
               knobs_,    slots_,     decrypter_, gateway_, behaviour} {
  for (std::size_t i = 0; i < directory_.size().couriers(); ++i)
    couriers_.push_back(make_courier(i));
}

std::unique_ptr<Courier> Network::make_courier(std::size_t position) {
  return std::make_unique<Courier>(scheduler_, replicas_, audit_, directory_.geometry(), knobs_,
                                   position);
}

void Network::set_knobs(const Knobs& knobs) {
  const auto document = [this] { return directory_.document(context_.mix_epoch(), knobs_); };
  const Bytes before = document();
  knobs_ = knobs;
  replicas_.look_around();
  const bool link_changed = gateway_.look();
  slots_.start();
  if (link_changed) link_change_();
  if (document() != before) new_document_();
}

bool Network::restart_courier(std::size_t position) {
  if (position >= couriers_.size()) return false;
  couriers_[position] = make_courier(position);
  return true;
}

bool Network::restart_replica(std::size_t id) {
  if (!directory_.has_replica(id)) return false;
  replicas_.restart(static_cast<ReplicaId>(id));
  return true;
}

Network::~Network() { stop_expiry(); }

Status Network::expire() {
  for (std::size_t id = 0; directory_.has_replica(id); ++id)
    TP_TRY(store_->drop_older_than(static_cast<ReplicaId>(id), replicas_.replica_epoch()));
  expiry_ = scheduler_.after(kExpiryInterval, [this] {
    // A store that can't delete answers its writers with code 4; there is nobody to tell here.
    static_cast<void>(expire());
  });
  return ok();
}

}  // namespace taubenpost::localnet
