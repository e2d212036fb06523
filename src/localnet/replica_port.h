// The links between couriers and replicas, as a courier sees them.
//
// In the network they are direct calls on the scheduler (replica.h); a test puts a scripted one
// in their place. Answers never come inside the call that asks, may come late or never.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "bacap/wire.h"
#include "base/secret.h"
#include "localnet/replica_store.h"

namespace taubenpost::localnet {

// ReplicaMessage of pigeonhole 3.3: one half of a courier envelope.
struct ReplicaMessage {
  std::shared_ptr<const bacap::CourierEnvelope> envelope;  // shared by both halves
  std::size_t half = 0;                                    // 0: dek1, 1: dek2
};

// The encrypted answer of a replica, encrypted when somebody asks for it: most answers to writes
// never leave the courier.
class EnvelopeReply {
 public:
  // No answer: an empty EnvelopeReply on the wire.
  EnvelopeReply() = default;
  // `secret` is what the envelope was opened with; the answer is padded to `padded_size`.
  EnvelopeReply(SecretArray<32> secret, const bacap::ReplicaInnerReply& reply,
                std::size_t padded_size)
      : secret_(std::move(secret)), inner_(bacap::encode(reply)), padded_size_(padded_size) {}

  bool empty() const { return inner_.empty(); }
  std::size_t memory() const { return inner_.size(); }
  // The bytes on the wire. Each call is a new encryption of the same answer.
  Bytes seal() const;

 private:
  SecretArray<32> secret_;
  Bytes inner_;
  std::size_t padded_size_ = 0;
};

// ReplicaMessageReply of pigeonhole 3.3. `code` is readable by the courier.
struct ReplicaReply {
  ReplicaCode code = ReplicaCode::kInternalError;
  ReplicaId replica = 0;  // 0 also for failures before the replica knew its own id (7.2)
  EnvelopeReply envelope;
};

class ReplicaPort {
 public:
  using OnReply = std::function<void(ReplicaReply)>;
  using OnRead = std::function<void(std::optional<ReplicaStore::ReadResult>)>;

  virtual ~ReplicaPort() = default;
  // Queues a message to a replica; false if there is no such replica (or its queue is full).
  virtual bool send(ReplicaId to, ReplicaMessage message, OnReply on_reply) = 0;
  // A courier's own read of a box at a shard; nullopt: an answer that does not parse. False as
  // above.
  virtual bool read_box(ReplicaId shard, const BoxId& box_id, OnRead on_read) = 0;
  // The online shards of a box, in ascending hash order (7.4).
  virtual std::vector<ReplicaId> shards_of(const BoxId& box_id) const = 0;
  // Of these, the ones that have nothing under the id.
  virtual std::vector<ReplicaId> shards_without(const BoxId& box_id) const = 0;
  // A courier's own write to a shard, whose answer it does not wait for.
  virtual void write_box(ReplicaId shard, const Box& box) = 0;
  // The wall clock's, which the courier's epoch window is measured against.
  virtual std::uint64_t replica_epoch() const = 0;
};

}  // namespace taubenpost::localnet
