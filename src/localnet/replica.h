// The replicas of the local network and the links to them (pigeonhole 7).
//
// A message is opened with the replica's own envelope keys, then handled where its box belongs:
// locally, or at a random shard, whose answer is passed on. What a shard accepts is replicated to
// the other one. Inside the process no hop is encrypted again: that could only fail for a missing
// key, and here every replica knows the keys of all others.
#pragma once

#include <cstdint>
#include <memory>

#include "localnet/audit.h"
#include "localnet/directory.h"
#include "localnet/random.h"
#include "localnet/replica_port.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Replicas final : public ReplicaPort {
 public:
  // All outlive the replicas.
  Replicas(Scheduler& scheduler, const Directory& directory, ReplicaStore& store, Audit& audit,
           Random& random);

  bool send(ReplicaId to, ReplicaMessage message, OnReply on_reply) override;
  bool read_box(ReplicaId shard, const BoxId& box_id, OnRead on_read) override;
  std::vector<ReplicaId> shards_of(const BoxId& box_id) const override;
  std::uint64_t replica_epoch() const override;

 private:
  struct Opened {
    Bytes padded;             // inner message
    SecretArray<32> secret;   // what the answer is encrypted with
    std::uint64_t epoch = 0;  // of the key that opened it
  };

  ReplicaReply handle(ReplicaId self, const ReplicaMessage& message);
  // Errors: kInvalid for an unusable sender key, kNotFound if no key opens the message.
  Result<Opened> open(ReplicaId self, const ReplicaMessage& message) const;
  bacap::ReplicaInnerReply at_shard(ReplicaId shard, const bacap::ReplicaInnerMessage& message);
  ReplicaCode write(ReplicaId shard, const Box& box);
  void replicate(ReplicaId from, const Box& box);

  Scheduler& scheduler_;
  const Directory& directory_;
  ReplicaStore& store_;
  Audit& audit_;
  Random& random_;
};

}  // namespace taubenpost::localnet
