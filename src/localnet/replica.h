// The replicas of the local network and the links to them (pigeonhole 7).
//
// A message is opened with the replica's own envelope keys, then handled where its box belongs:
// locally, or at a random shard, whose answer is passed on; a shard that stays silent for half a
// minute is passed over (7.6). Inside the process no hop is encrypted again: that could only fail
// for a missing key, and here every replica knows the keys of all others.
//
// What a shard accepts is sent to the other one, now or when that can be reached; so is a box that
// was read where another shard was silent, and all boxes when the directory changes (rebalance.h).
//
// With a link_rate every message to a replica waits for an event of that rate, and its answer for
// up to the mean of it (pigeonhole 7.2); so does what a replica fetches from a shard.
//
// A replica that is down has left the directory: nobody chooses it as a shard of a box any more.
// What is sent to it all the same, as an intermediate, waits in vain for an answer, as all does
// that is sent to a silent one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "localnet/audit.h"
#include "localnet/directory.h"
#include "localnet/knobs.h"
#include "localnet/random.h"
#include "localnet/rebalance.h"
#include "localnet/replica_port.h"
#include "localnet/scheduler.h"

namespace taubenpost::localnet {

class Replicas final : public ReplicaPort {
 public:
  // How long an intermediate waits for a shard.
  static constexpr Milliseconds kProxyTimeout{30'000};

  // All outlive the replicas.
  Replicas(Scheduler& scheduler, const Directory& directory, ReplicaStore& store, Audit& audit,
           Random& random, const Knobs& knobs);
  ~Replicas() override;

  bool send(ReplicaId to, ReplicaMessage message, OnReply on_reply) override;
  bool read_box(ReplicaId shard, const BoxId& box_id, OnRead on_read) override;
  std::vector<ReplicaId> shards_of(const BoxId& box_id) const override;
  std::vector<ReplicaId> shards_without(const BoxId& box_id) const override;
  void write_box(ReplicaId shard, const Box& box) override;
  std::uint64_t replica_epoch() const override;

  // A replica may have come or gone.
  void look_around();
  // The replica forgets what it had in memory: boxes that others have not got yet.
  void restart(ReplicaId id);

 private:
  struct Waiting {
    Box box;
    std::uint64_t since = 0;  // monotonic
  };
  using Link = std::pair<ReplicaId, ReplicaId>;  // from, to

  struct Opened {
    Bytes padded;             // inner message
    SecretArray<32> secret;   // what the answer is encrypted with
    std::uint64_t epoch = 0;  // of the key that opened it
  };

  // A message for a box that its replica does not keep.
  struct Proxied;
  using ProxiedPtr = std::shared_ptr<Proxied>;

  Milliseconds message_delay() { return random_.exponential(knobs_.link_rate); }
  Milliseconds answer_delay();
  void handle(ReplicaId self, const ReplicaMessage& message, OnReply on_answer);
  // Errors: kInvalid for an unusable sender key, kNotFound if no key opens the message.
  Result<Opened> open(ReplicaId self, const ReplicaMessage& message) const;
  void ask_next_shard(const ProxiedPtr& proxied);
  void take_from_shard(const ProxiedPtr& proxied, const bacap::ReplicaInnerReply& reply);
  ReplicaReply sealed(ReplicaId self, SecretArray<32> secret,
                      const bacap::ReplicaInnerReply& reply) const;
  bacap::ReplicaInnerReply at_shard(ReplicaId shard, const bacap::ReplicaInnerMessage& message);
  ReplicaCode write(ReplicaId shard, const Box& box);
  bool is_down(ReplicaId id) const { return knobs_.replica_down.contains(id); }
  void count_read(ReplicaId shard, ReplicaCode code);
  void count_stored(ReplicaId shard);
  bool is_reachable(ReplicaId id) const {
    return !is_down(id) && !knobs_.replica_silent.contains(id);
  }
  void send_to_peers(ReplicaId from, const Box& box);
  void send_box(const Link& link, const Box& box);
  void deliver(const Link& link, const Box& box);
  void wait_for_peer(const Link& link, const Box& box);
  void retry_waiting();
  void arm_retry();

  Scheduler& scheduler_;
  const Directory& directory_;
  ReplicaStore& store_;
  Audit& audit_;
  Random& random_;
  const Knobs& knobs_;
  Rebalance rebalance_;
  std::map<Link, std::map<BoxId, Waiting>> waiting_;
  Scheduler::Timer retry_timer_ = 0;
};

}  // namespace taubenpost::localnet
