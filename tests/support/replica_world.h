// The replicas of a local network without couriers, in virtual time: a message to one of them, and
// its answer opened as a client would.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "bacap/epochs.h"
#include "bacap/mkem.h"
#include "localnet/replica.h"
#include "localnet_testing.h"

namespace taubenpost::localnet {

class ReplicaWorld : public ::testing::Test {
 protected:
  struct Answer {
    ReplicaCode outer = ReplicaCode::kInternalError;
    ReplicaId replica = 0;
    std::optional<bacap::ReplicaInnerReply> inner;  // nothing in an empty answer
  };

  explicit ReplicaWorld(const NetworkSize& size = {}) { reopen(size); }

  // A network restarted on the same boxes.
  void reopen(const NetworkSize& size = {}) {
    scheduler_.forget();
    replicas_.reset();
    store_.reset();
    directory_ = test_directory(EnvelopeNike::kHybrid, size);
    store_ = test_boxes(folder_.path(), EnvelopeNike::kHybrid, size);
    audit_ = Audit(size);
    replicas_ =
        std::make_unique<Replicas>(scheduler_, directory_, *store_, audit_, *random_, knobs_);
  }

  // Sends a message made for the key of `epoch`; the answer is there when it has come.
  std::shared_ptr<std::optional<Answer>> start(ReplicaId to, const Bytes& message,
                                               std::uint64_t epoch) {
    const Bytes key = directory_.envelope_keys(to, epoch).public_key;
    const auto padded = bacap::pad(message, directory_.geometry().inner_padded()).value();
    auto sealed = bacap::encapsulate({key}, padded).value();
    auto envelope = std::make_shared<bacap::CourierEnvelope>();
    envelope->dek1 = to_array<bacap::kDekSize>(sealed.deks[0]);
    envelope->sender_key = sealed.sender.public_key;
    envelope->ciphertext = std::move(sealed.envelope);
    const auto secret = std::make_shared<SecretArray<32>>(
        bacap::nike_secret(sealed.sender.private_key.view(), key).value());
    auto answer = std::make_shared<std::optional<Answer>>();
    EXPECT_TRUE(replicas_->send(to, {envelope, 0}, [answer, secret](const ReplicaReply& reply) {
      EXPECT_FALSE(*answer) << "answered twice";
      *answer = opened(reply, *secret);
    }));
    return answer;
  }
  // The answer to a message, which comes at once.
  Answer ask(ReplicaId to, const bacap::ReplicaInnerMessage& message) {
    return ask_at(to, bacap::encode(message), epoch());
  }
  Answer ask_at(ReplicaId to, const Bytes& message, std::uint64_t epoch) {
    const auto answer = start(to, message, epoch);
    scheduler_.settle();
    EXPECT_TRUE(*answer) << "no answer";
    return answer->value_or(Answer{});
  }
  // Changes who is there; what follows from that has happened.
  void set_down(std::set<ReplicaId> replicas) {
    knobs_.replica_down = std::move(replicas);
    replicas_->look_around();
    scheduler_.settle();
  }
  void set_silent(std::set<ReplicaId> replicas) {
    knobs_.replica_silent = std::move(replicas);
    replicas_->look_around();
    scheduler_.settle();
  }
  // Codes of writes and reads at a replica.
  int write(ReplicaId to, const Box& box) {
    const Answer answer = ask(to, bacap::ReplicaWrite{box});
    return static_cast<int>(answer.outer);
  }
  Box read_box(ReplicaId to, const BoxId& id, int code) {
    const Answer answer = ask(to, bacap::ReplicaRead{id});
    EXPECT_EQ(static_cast<int>(answer.outer), code);
    const auto& reply = std::get<bacap::ReplicaReadReply>(answer.inner.value());
    EXPECT_EQ(reply.error_code, code) << "the inner code is another";
    return reply.box;
  }
  int read(ReplicaId to, const BoxId& id) {
    return static_cast<int>(ask(to, bacap::ReplicaRead{id}).outer);
  }

  std::vector<ReplicaId> shards_of(const BoxId& id) const { return directory_.shards_of(id); }
  // A replica that does not keep the box.
  ReplicaId other_than_shards(const BoxId& id) const {
    const auto shards = shards_of(id);
    ReplicaId other = 0;
    while (std::find(shards.begin(), shards.end(), other) != shards.end()) ++other;
    return other;
  }
  std::uint64_t epoch() const { return replicas_->replica_epoch(); }
  // To the first instant of a later replica epoch.
  void advance_epochs(std::uint64_t epochs) {
    scheduler_.set_unix_ms(bacap::replica_epoch_start(epoch() + epochs) * 1000);
  }

  TempFolder folder_;
  ManualScheduler scheduler_;
  const std::unique_ptr<Random> random_ = seeded_random(1);
  Directory directory_ = test_directory();
  std::unique_ptr<ReplicaStore> store_;
  Audit audit_;
  Knobs knobs_;
  std::unique_ptr<Replicas> replicas_;
  const bacap::WriteCap cap_ = cap_of(1);
  const Box box_ = box_of(cap_, "hello");
  const Box other_ = box_of(cap_, "something else");
  const Box tombstone_ = bacap::tombstone(cap_, cap_.index());

 private:
  static Answer opened(const ReplicaReply& reply, const SecretArray<32>& secret) {
    Answer out{reply.code, reply.replica, {}};
    if (reply.envelope.empty()) return out;
    const auto padded = bacap::open_reply(secret, reply.envelope.seal());
    if (!padded) return out;  // encrypted for somebody else
    const auto inner = bacap::unpad(padded.value()).value();
    out.inner = bacap::parse_replica_inner_reply(inner).value().value;
    return out;
  }
};

}  // namespace taubenpost::localnet
