#include "localnet/replica.h"

#include <algorithm>
#include <utility>

#include "bacap/epochs.h"
#include "bacap/padding.h"

namespace taubenpost::localnet {
namespace {

ReplicaReply failure(ReplicaCode code) { return ReplicaReply{code, 0, {}}; }

const BoxId& box_id_of(const bacap::ReplicaInnerMessage& message) {
  if (const auto* read = std::get_if<bacap::ReplicaRead>(&message)) return read->box_id;
  return std::get<bacap::ReplicaWrite>(message).box.id;
}

ReplicaCode code_of(const bacap::ReplicaInnerReply& reply) {
  return std::visit([](const auto& r) { return static_cast<ReplicaCode>(r.error_code); }, reply);
}

void count(Audit::ByCode& counts, ReplicaCode code) { ++counts[static_cast<std::size_t>(code)]; }

}  // namespace

Bytes EnvelopeReply::seal() const {
  if (empty()) return {};
  const auto padded = bacap::pad(inner_, padded_size_);
  TP_CHECK(padded);  // our own structures fit the geometry
  return bacap::seal_reply(secret_, padded.value());
}

Replicas::Replicas(Scheduler& scheduler, const Directory& directory, ReplicaStore& store,
                   Audit& audit, Random& random)
    : scheduler_(scheduler), directory_(directory), store_(store), audit_(audit), random_(random) {}

std::uint64_t Replicas::replica_epoch() const {
  return bacap::replica_epoch(scheduler_.unix_ms() / 1000);
}

std::vector<ReplicaId> Replicas::shards_of(const BoxId& box_id) const {
  return directory_.shards_of(box_id);
}

bool Replicas::send(ReplicaId to, ReplicaMessage message, OnReply on_reply) {
  if (to >= kReplicas) return false;
  scheduler_.post([this, to, message = std::move(message), on_reply = std::move(on_reply)] {
    on_reply(handle(to, message));
  });
  return true;
}

bool Replicas::read_box(ReplicaId shard, const BoxId& box_id, OnRead on_read) {
  if (shard >= kReplicas) return false;
  scheduler_.post([this, shard, box_id, on_read = std::move(on_read)] {
    auto result = store_.read(shard, replica_epoch(), box_id);
    count(audit_.reads, result.code);
    on_read(std::move(result));
  });
  return true;
}

ReplicaReply Replicas::handle(ReplicaId self, const ReplicaMessage& message) {
  auto opened = open(self, message);
  if (!opened) {
    const bool bad_sender = opened.error().code == Errc::kInvalid;
    return failure(bad_sender ? ReplicaCode::kInternalError : ReplicaCode::kInvalidEpoch);
  }
  const auto unpadded = bacap::unpad(opened->padded);
  if (!unpadded) return failure(ReplicaCode::kInvalidPayload);
  const auto inner = bacap::parse_replica_inner_message(unpadded.value());
  if (!inner) return failure(ReplicaCode::kInvalidPayload);

  const auto shards = directory_.shards_of(box_id_of(inner->value));
  const bool is_shard = std::find(shards.begin(), shards.end(), self) != shards.end();
  const ReplicaId shard = is_shard ? self : shards[random_.below(shards.size())];
  const auto reply = at_shard(shard, inner->value);

  auto secret = std::move(opened->secret);
  const std::uint64_t current = replica_epoch();
  if (!is_shard && opened->epoch != current) {
    // An answer that was fetched elsewhere is encrypted with the current key, whatever key the
    // question was for (8.6); a client that looks for its own epoch then can't open it.
    auto other = bacap::nike_secret(directory_.envelope_keys(self, current).private_key.view(),
                                    message.envelope->sender_key);
    if (!other) return failure(ReplicaCode::kInternalError);
    secret = std::move(other).value();
  }
  return ReplicaReply{
      code_of(reply), self,
      EnvelopeReply(std::move(secret), reply, directory_.geometry().reply_padded())};
}

// The epochs are tried in the order of likelihood; at most one key can open the message.
Result<Replicas::Opened> Replicas::open(ReplicaId self, const ReplicaMessage& message) const {
  const auto& envelope = *message.envelope;
  const ByteView dek = message.half == 0 ? ByteView(envelope.dek1) : ByteView(envelope.dek2);
  const std::uint64_t current = replica_epoch();
  for (const std::uint64_t epoch : {current, current - 1, current + 1}) {
    auto secret = bacap::nike_secret(directory_.envelope_keys(self, epoch).private_key.view(),
                                     envelope.sender_key);
    if (!secret) return error(Errc::kInvalid, "sender key");
    auto text = bacap::open_with_secret(secret.value(), {dek}, envelope.ciphertext);
    if (text) return Opened{std::move(text).value(), std::move(secret).value(), epoch};
  }
  return error(Errc::kNotFound, "no key opens it");
}

bacap::ReplicaInnerReply Replicas::at_shard(ReplicaId shard,
                                            const bacap::ReplicaInnerMessage& message) {
  if (const auto* read = std::get_if<bacap::ReplicaRead>(&message)) {
    auto result = store_.read(shard, replica_epoch(), read->box_id);
    count(audit_.reads, result.code);
    return bacap::ReplicaReadReply{static_cast<std::uint8_t>(result.code), std::move(result.box)};
  }
  const auto& box = std::get<bacap::ReplicaWrite>(message).box;
  const ReplicaCode code = write(shard, box);
  count(box.is_tombstone() ? audit_.tombstones : audit_.writes, code);
  return bacap::ReplicaWriteReply{static_cast<std::uint8_t>(code)};
}

ReplicaCode Replicas::write(ReplicaId shard, const Box& box) {
  const ReplicaCode verdict = store_.validate(box);
  if (verdict != ReplicaCode::kSuccess) return verdict;
  const auto written = store_.write(shard, replica_epoch(), box);
  if (written.added) ++audit_.boxes_stored;
  if (written.code == ReplicaCode::kSuccess) replicate(shard, box);
  return written.code;
}

// Also for a repeat of what is there. The receiver applies the storage rules in its own epoch and
// passes nothing on; its refusals concern nobody.
void Replicas::replicate(ReplicaId from, const Box& box) {
  for (const ReplicaId peer : directory_.shards_of(box.id)) {
    if (peer == from) continue;
    scheduler_.post([this, peer, box] {
      if (store_.write(peer, replica_epoch(), box).added) ++audit_.boxes_stored;
    });
  }
}

}  // namespace taubenpost::localnet
