// A courier between scripted replicas, with time moved by hand.
//
// Envelopes are stand-ins of the real size: nobody opens them.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "bacap/copy_stream.h"
#include "bacap/geometry.h"
#include "localnet/courier.h"
#include "localnet_testing.h"

namespace taubenpost::localnet {

using bacap::CopyStatus;
using bacap::CourierEnvelope;

inline constexpr std::uint64_t kEpoch = 480;

// Two shards, 0 and 1, for every box; shards and intermediates answer what the test says.
class ScriptedReplicas final : public ReplicaPort {
 public:
  explicit ScriptedReplicas(Scheduler& scheduler) : scheduler_(scheduler) {}

  bool send(ReplicaId to, ReplicaMessage message, OnReply on_reply) override {
    if (unknown.contains(to)) return false;
    sent.emplace_back(to, message.envelope->sender_key);
    auto answer = answer_to(to, *message.envelope);
    if (!answer) return true;  // silence
    scheduler_.post([to, on_reply, code = *answer] {
      on_reply(ReplicaReply{
          code, to,
          EnvelopeReply(SecretArray<32>(),
                        bacap::ReplicaWriteReply{static_cast<std::uint8_t>(code)}, 100)});
    });
    return true;
  }
  bool read_box(ReplicaId shard, const BoxId& id, OnRead on_read) override {
    ++reads;
    if (unknown.contains(shard)) return false;
    if (silent.contains(shard)) return true;
    if (garbled.contains(shard)) {
      scheduler_.post([on_read] { on_read(std::nullopt); });
      return true;
    }
    ReplicaStore::ReadResult result{ReplicaCode::kBoxIdNotFound, Box{id, {}, {}}};
    const auto found = boxes[shard].find(id);
    if (found != boxes[shard].end()) result = {ReplicaCode::kSuccess, found->second};
    if (found != boxes[shard].end() && found->second.is_tombstone())
      result.code = ReplicaCode::kTombstone;
    if (read_codes.contains(shard)) result = {read_codes[shard], Box{id, {}, {}}};
    scheduler_.post([on_read, result] { on_read(result); });
    return true;
  }
  std::vector<ReplicaId> shards_of(const BoxId&) const override { return {0, 1}; }
  std::vector<ReplicaId> shards_without(const BoxId&) const override { return {}; }
  void write_box(ReplicaId, const Box&) override { ADD_FAILURE() << "nothing to clean up"; }
  std::uint64_t replica_epoch() const override { return kEpoch; }

  std::function<std::optional<ReplicaCode>(ReplicaId, const CourierEnvelope&)> answer_to =
      [](ReplicaId, const CourierEnvelope&) { return ReplicaCode::kSuccess; };
  std::map<BoxId, Box> boxes[2];
  std::map<ReplicaId, ReplicaCode> read_codes;  // instead of what is in the boxes
  std::set<ReplicaId> silent, garbled, unknown;
  std::vector<std::pair<ReplicaId, Bytes>> sent;  // in order: replica and sender key
  int reads = 0;

 private:
  Scheduler& scheduler_;
};

// A stand-in envelope of the real size; `number` tells envelopes apart.
inline CourierEnvelope envelope(std::uint8_t number) {
  CourierEnvelope out;
  out.intermediates = {2, 4};
  out.epoch = kEpoch;
  out.sender_key = Bytes(160, number);
  out.ciphertext = Bytes(1702, number);
  return out;
}

class CourierWorld : public ::testing::Test {
 protected:
  bacap::CourierEnvelopeReply ask(const CourierEnvelope& query) {
    const auto reply = courier_.handle(bacap::encode(bacap::CourierQuery(query)));
    EXPECT_TRUE(reply);
    return std::get<bacap::CourierEnvelopeReply>(
        bacap::parse_courier_query_reply(*reply).value().value);
  }
  bacap::CopyCommandReply copy(const bacap::WriteCap& cap) {
    return copy_bytes(to_bytes(cap.view()));
  }
  bacap::CopyCommandReply copy_bytes(const Bytes& cap) {
    const auto reply = courier_.handle(bacap::encode(bacap::CourierQuery(bacap::CopyCommand{cap})));
    EXPECT_TRUE(reply);
    return std::get<bacap::CopyCommandReply>(
        bacap::parse_courier_query_reply(*reply).value().value);
  }
  // Issues the copy, lets everything happen, and asks for the verdict.
  bacap::CopyCommandReply run_copy(const bacap::WriteCap& cap) {
    EXPECT_EQ(copy(cap).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
    scheduler_.settle();
    return copy(cap);
  }
  // The same after some time.
  bacap::CopyCommandReply run_copy_for(const bacap::WriteCap& cap, Milliseconds time) {
    EXPECT_EQ(copy(cap).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
    scheduler_.advance(time - Milliseconds(1));
    EXPECT_EQ(copy(cap).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
    scheduler_.advance(Milliseconds(1));
    return copy(cap);
  }
  // Writes elements to the temporary sequence, from its first index.
  void upload(const bacap::WriteCap& cap, const std::vector<Bytes>& elements) {
    auto index = cap.index();
    for (const Bytes& element : elements) {
      const auto padded = bacap::pad(element, kTestMax + 4).value();
      const Box box = bacap::encrypt_box(cap, index, padded);
      for (auto& shard : replicas_.boxes) shard[box.id] = box;
      uploaded_.push_back(box.id);
      index = index.next().value();
    }
  }
  static std::vector<Bytes> stream(std::initializer_list<std::uint8_t> numbers,
                                   bool with_final = true) {
    bacap::CopyStreamEncoder encoder(kTestMax);
    std::vector<Bytes> out;
    const auto keep = [&](const std::vector<Bytes>& more) {
      out.insert(out.end(), more.begin(), more.end());
    };
    for (const std::uint8_t number : numbers)
      keep(encoder.add_envelope(bacap::encode(envelope(number))));
    keep(with_final ? encoder.flush() : encoder.flush_without_final());
    return out;
  }

  ManualScheduler scheduler_;
  ScriptedReplicas replicas_{scheduler_};
  Audit audit_;
  const Knobs knobs_;
  Courier courier_{scheduler_, replicas_, audit_, bacap::make_geometry(2000).value(), knobs_};
  const bacap::WriteCap cap_ = cap_of(7);
  std::vector<BoxId> uploaded_;
};

inline void expect_failed(const bacap::CopyCommandReply& reply, int code, std::uint64_t index) {
  EXPECT_EQ(reply.status, static_cast<std::uint8_t>(CopyStatus::kFailed));
  EXPECT_EQ(reply.error_code, code);
  EXPECT_EQ(reply.failed_envelope_index, index);
}
inline void expect_succeeded(const bacap::CopyCommandReply& reply) {
  EXPECT_EQ(reply.status, static_cast<std::uint8_t>(CopyStatus::kSucceeded));
  EXPECT_EQ(reply.error_code, 0);
  EXPECT_EQ(reply.failed_envelope_index, 0U);
}

}  // namespace taubenpost::localnet
