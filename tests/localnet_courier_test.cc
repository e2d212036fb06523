// The courier's rules (pigeonhole 6.3 to 6.7), with scripted replicas and time moved by hand.
#include <set>

#include "bacap/copy_stream.h"
#include "bacap/geometry.h"
#include "localnet/courier.h"
#include "localnet_testing.h"

namespace taubenpost::localnet {
namespace {

using bacap::CopyStatus;
using bacap::CourierCode;
using bacap::CourierEnvelope;
using bacap::EnvelopeReplyType;

constexpr std::uint64_t kEpoch = 480;

// Two shards, 0 and 1, for every box; intermediates answer what the test says.
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
    if (silent.contains(shard)) return true;
    ReplicaStore::ReadResult result{ReplicaCode::kBoxIdNotFound, Box{id, {}, {}}};
    const auto found = boxes[shard].find(id);
    if (found != boxes[shard].end()) result = {ReplicaCode::kSuccess, found->second};
    if (found != boxes[shard].end() && found->second.is_tombstone())
      result.code = ReplicaCode::kTombstone;
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
  std::set<ReplicaId> silent, unknown;
  std::vector<std::pair<ReplicaId, Bytes>> sent;  // in order: replica and sender key
  int reads = 0;

 private:
  Scheduler& scheduler_;
};

// A stand-in envelope of the real size; `number` tells envelopes apart.
CourierEnvelope envelope(std::uint8_t number) {
  CourierEnvelope out;
  out.intermediates = {2, 4};
  out.epoch = kEpoch;
  out.sender_key = Bytes(160, number);
  out.ciphertext = Bytes(1702, number);
  return out;
}

class CourierTest : public ::testing::Test {
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

void expect_failed(const bacap::CopyCommandReply& reply, int code, std::uint64_t index) {
  EXPECT_EQ(reply.status, static_cast<std::uint8_t>(CopyStatus::kFailed));
  EXPECT_EQ(reply.error_code, code);
  EXPECT_EQ(reply.failed_envelope_index, index);
}
void expect_succeeded(const bacap::CopyCommandReply& reply) {
  EXPECT_EQ(reply.status, static_cast<std::uint8_t>(CopyStatus::kSucceeded));
  EXPECT_EQ(reply.error_code, 0);
  EXPECT_EQ(reply.failed_envelope_index, 0U);
}

// ---- envelopes ---------------------------------------------------------------------------------

TEST_F(CourierTest, NewEnvelope_IsAcknowledgedAndSentToBothIntermediates) {
  const auto reply = ask(envelope(1));
  EXPECT_EQ(reply.type, EnvelopeReplyType::kAck);
  EXPECT_EQ(reply.error_code, 0);
  EXPECT_EQ(reply.envelope_hash, bacap::envelope_hash(envelope(1)));
  EXPECT_TRUE(replicas_.sent.empty());
  scheduler_.settle();
  ASSERT_EQ(replicas_.sent.size(), 2U);
  EXPECT_EQ(replicas_.sent[0].first, 2);
  EXPECT_EQ(replicas_.sent[1].first, 4);
}

TEST_F(CourierTest, RepeatAfterTheAnswer_IsServedFromTheCache) {
  ask(envelope(1));
  scheduler_.settle();
  for (int i = 0; i < 3; ++i) {
    const auto reply = ask(envelope(1));
    EXPECT_EQ(reply.type, EnvelopeReplyType::kPayload);
    EXPECT_EQ(reply.reply_index, 0);
    EXPECT_EQ(reply.payload.size(), 128U);
  }
  scheduler_.settle();
  EXPECT_EQ(replicas_.sent.size(), 2U);
}

TEST_F(CourierTest, OnlyTheSecondReplicaAnswered_ItsSlotIsServed) {
  replicas_.answer_to = [](ReplicaId to, const CourierEnvelope&) -> std::optional<ReplicaCode> {
    if (to == 2) return std::nullopt;
    return ReplicaCode::kSuccess;
  };
  ask(envelope(1));
  scheduler_.settle();
  const auto reply = ask(envelope(1));
  EXPECT_EQ(reply.type, EnvelopeReplyType::kPayload);
  EXPECT_EQ(reply.reply_index, 1);
}

TEST_F(CourierTest, EpochOutsideTheWindow_IsRefusedAndNotCached) {
  for (const std::uint64_t epoch : {kEpoch - 2, kEpoch + 2, std::uint64_t{0}, ~std::uint64_t{0}}) {
    auto query = envelope(1);
    query.epoch = epoch;
    EXPECT_EQ(ask(query).error_code, static_cast<std::uint8_t>(CourierCode::kInvalidEpoch));
  }
  for (const std::uint64_t epoch : {kEpoch - 1, kEpoch + 1}) {
    auto query = envelope(static_cast<std::uint8_t>(epoch));
    query.epoch = epoch;
    EXPECT_EQ(ask(query).error_code, 0);
  }
  EXPECT_EQ(courier_.cached_envelopes(), 2U);
}

TEST_F(CourierTest, ReplyIndexTwo_IsAnInvalidEnvelopeOnceCached) {
  auto query = envelope(1);
  query.reply_index = 2;
  EXPECT_EQ(ask(query).error_code, 0);
  scheduler_.settle();
  EXPECT_EQ(ask(query).error_code, static_cast<std::uint8_t>(CourierCode::kInvalidEnvelope));
}

TEST_F(CourierTest, ErrorAnswers_AreAskedForAgainFiveTimesAndThenFrozen) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) {
    return ReplicaCode::kBoxIdNotFound;
  };
  ask(envelope(1));
  scheduler_.settle();
  for (int i = 0; i < 8; ++i) {
    ask(envelope(1));
    scheduler_.settle();
  }
  EXPECT_EQ(replicas_.sent.size(), 2U * 6);
  // What is there now is not seen through this entry any more …
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) { return ReplicaCode::kSuccess; };
  ask(envelope(1));
  scheduler_.settle();
  EXPECT_EQ(replicas_.sent.size(), 12U);
  // … until it has aged and something new made the courier look.
  scheduler_.advance(Courier::kCacheAge + Milliseconds(1));
  ask(envelope(2));
  EXPECT_EQ(ask(envelope(1)).type, EnvelopeReplyType::kAck);
  scheduler_.settle();
  EXPECT_EQ(replicas_.sent.size(), 16U);
}

TEST_F(CourierTest, ErrorThenSuccess_SuccessReplacesItAndStays) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) {
    return ReplicaCode::kDatabaseFailure;
  };
  ask(envelope(1));
  scheduler_.settle();
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) { return ReplicaCode::kSuccess; };
  ask(envelope(1));
  scheduler_.settle();
  ask(envelope(1));
  scheduler_.settle();
  EXPECT_EQ(replicas_.sent.size(), 4U);
}

TEST_F(CourierTest, Silence_IsAskedForAgainAfterHalfAMinute) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) {
    return std::optional<ReplicaCode>();
  };
  ask(envelope(1));
  scheduler_.advance(Courier::kRedispatchGrace);
  EXPECT_EQ(ask(envelope(1)).type, EnvelopeReplyType::kAck);
  scheduler_.settle();
  EXPECT_EQ(replicas_.sent.size(), 2U);
  scheduler_.advance(Milliseconds(1));
  ask(envelope(1));
  scheduler_.settle();
  EXPECT_EQ(replicas_.sent.size(), 4U);
}

TEST_F(CourierTest, UnknownFirstIntermediate_TheSecondIsNotTried) {
  replicas_.unknown = {2};
  EXPECT_EQ(ask(envelope(1)).error_code, 0);
  scheduler_.settle();
  EXPECT_TRUE(replicas_.sent.empty());
}

TEST_F(CourierTest, ManyEnvelopes_TheCacheStaysBounded) {
  constexpr std::size_t kMany = 50'000;
  for (std::size_t i = 0; i < kMany; ++i) {
    auto query = envelope(0);
    append_be(query.sender_key, static_cast<std::uint32_t>(i));
    ask(query);
    scheduler_.settle();
  }
  EXPECT_LT(courier_.cached_envelopes(), kMany);
  EXPECT_GT(courier_.cached_envelopes(), 10'000U);
}

TEST_F(CourierTest, Garbage_GetsNoAnswer) {
  EXPECT_FALSE(courier_.handle({}));
  EXPECT_FALSE(courier_.handle(Bytes{2, 0, 0}));
  auto cut = bacap::encode(bacap::CourierQuery(envelope(1)));
  cut.resize(cut.size() - 1);
  EXPECT_FALSE(courier_.handle(cut));
}

// ---- copies ------------------------------------------------------------------------------------

TEST_F(CourierTest, WholeStream_EveryEnvelopeIsDispatchedOnceInOrder) {
  upload(cap_, stream({1, 2, 3}));
  expect_succeeded(run_copy(cap_));
  ASSERT_EQ(replicas_.sent.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(replicas_.sent[i].second.front(), i / 2 + 1);
  EXPECT_EQ(audit_.copies_started, 1U);
  EXPECT_EQ(audit_.copies_succeeded, 1U);
}

TEST_F(CourierTest, CopyVerdict_IsKeptForHalfAnHourAndThenRunsAgain) {
  upload(cap_, stream({1}));
  expect_succeeded(run_copy(cap_));
  scheduler_.advance(Courier::kCopyResultAge);
  expect_succeeded(copy(cap_));
  EXPECT_EQ(audit_.copies_started, 1U);
  scheduler_.advance(Milliseconds(1));
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(audit_.copies_started, 2U);
}

TEST_F(CourierTest, BadCapability_FailsBeforeTheFirstEnvelope) {
  for (const std::size_t size : {0, 167, 168, 169}) {
    EXPECT_EQ(copy_bytes(Bytes(size)).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
    scheduler_.settle();
    expect_failed(copy_bytes(Bytes(size)), 0, 0);
  }
}

TEST_F(CourierTest, FailedCopy_IsStickyAlthoughTheCauseIsGone) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) { return ReplicaCode::kStorageFull; };
  upload(cap_, stream({1}));
  expect_failed(run_copy(cap_), 6, 1);
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) { return ReplicaCode::kSuccess; };
  expect_failed(copy(cap_), 6, 1);
}

TEST_F(CourierTest, SecondCommandWhileRunning_IsOnlyReported) {
  copy(cap_);
  scheduler_.settle();
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  EXPECT_EQ(audit_.copies_started, 1U);
}

TEST_F(CourierTest, MissingBox_FailsWithOneAfterBothShardsWereTriedTenTimes) {
  copy(cap_);
  scheduler_.advance(Milliseconds(110'999));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_failed(copy(cap_), 1, 1);
  EXPECT_EQ(replicas_.reads, 20);
}

TEST_F(CourierTest, MissingFinal_EverythingIsAppliedAndTheNextEnvelopeIsNamed) {
  upload(cap_, stream({1, 2}, /*with_final=*/false));
  copy(cap_);
  scheduler_.advance(Milliseconds(120'000));
  expect_failed(copy(cap_), 1, 3);
  EXPECT_EQ(replicas_.sent.size(), 4U);
}

TEST_F(CourierTest, BoxAppearsWhileRetrying_TheCopyGoesOn) {
  copy(cap_);
  scheduler_.advance(Milliseconds(20'000));
  upload(cap_, stream({1}));
  scheduler_.advance(Milliseconds(10'000));
  expect_succeeded(copy(cap_));
}

TEST_F(CourierTest, SilentShards_FailWithZeroAfterAllTimeouts) {
  replicas_.silent = {0, 1};
  copy(cap_);
  scheduler_.advance(Milliseconds(2 * (10 * 60'000 + 55'500) - 1));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_failed(copy(cap_), 0, 1);
}

TEST_F(CourierTest, FirstShardLacksTheBox_TheSecondServesIt) {
  upload(cap_, stream({1}));
  replicas_.boxes[0].clear();
  copy(cap_);
  scheduler_.advance(Milliseconds(120'000));
  expect_succeeded(copy(cap_));
}

TEST_F(CourierTest, TombstoneAtOneShard_TheOtherServesTheBoxAtOnce) {
  upload(cap_, stream({1}));
  replicas_.boxes[0][uploaded_[0]] = bacap::tombstone(cap_, cap_.index());
  expect_succeeded(run_copy(cap_));
}

TEST_F(CourierTest, TombstoneAtBothShards_FailsWithElevenAtOnce) {
  upload(cap_, stream({1}));
  for (auto& shard : replicas_.boxes) shard[uploaded_[0]] = bacap::tombstone(cap_, cap_.index());
  expect_failed(run_copy(cap_), 11, 1);
  EXPECT_TRUE(replicas_.sent.empty());
}

TEST_F(CourierTest, DamagedBox_FailsWithZero) {
  upload(cap_, stream({1}));
  for (auto& shard : replicas_.boxes) shard[uploaded_[1]].payload[0] ^= 1;
  expect_failed(run_copy(cap_), 0, 1);
}

TEST_F(CourierTest, StreamThatDoesNotDecode_FailsWithZeroAfterWhatWasComplete) {
  auto elements = stream({1}, /*with_final=*/false);
  elements.push_back(Bytes{0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff});
  upload(cap_, elements);
  expect_failed(run_copy(cap_), 0, 2);
  EXPECT_EQ(replicas_.sent.size(), 2U);
}

TEST_F(CourierTest, EnvelopeRefused_EarlierOnesStayAppliedAndLaterOnesAreNotSent) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope& e) {
    return e.sender_key.front() == 2 ? ReplicaCode::kInvalidEpoch : ReplicaCode::kSuccess;
  };
  upload(cap_, stream({1, 2, 3}));
  expect_failed(run_copy(cap_), 8, 2);
  EXPECT_EQ(replicas_.sent.size(), 4U);
  EXPECT_EQ(audit_.copies_failed[8], 1U);
}

TEST_F(CourierTest, OneReplicaSucceeds_TheEnvelopeCounts) {
  replicas_.answer_to = [](ReplicaId to, const CourierEnvelope&) {
    return to == 2 ? ReplicaCode::kBoxAlreadyExists : ReplicaCode::kSuccess;
  };
  upload(cap_, stream({1}));
  expect_succeeded(run_copy(cap_));
}

TEST_F(CourierTest, BothRefuse_TheConflictIsReportedWhereverItCame) {
  replicas_.answer_to = [](ReplicaId to, const CourierEnvelope&) {
    return to == 2 ? ReplicaCode::kStorageFull : ReplicaCode::kBoxAlreadyExists;
  };
  upload(cap_, stream({1}));
  expect_failed(run_copy(cap_), 10, 1);
}

TEST_F(CourierTest, TemporaryCodeOnAWrite_IsFinal) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) {
    return ReplicaCode::kDatabaseFailure;
  };
  upload(cap_, stream({1}));
  expect_failed(run_copy(cap_), 4, 1);
}

TEST_F(CourierTest, OneSilentIntermediate_DelaysTheEnvelopeByAMinute) {
  replicas_.answer_to = [](ReplicaId to, const CourierEnvelope&) -> std::optional<ReplicaCode> {
    if (to == 2) return std::nullopt;
    return ReplicaCode::kSuccess;
  };
  upload(cap_, stream({1}));
  copy(cap_);
  scheduler_.advance(Milliseconds(59'999));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_succeeded(copy(cap_));
}

TEST_F(CourierTest, UnknownIntermediate_FailsWithZeroAfterTheBackOff) {
  replicas_.unknown = {4};
  upload(cap_, stream({1}));
  copy(cap_);
  scheduler_.advance(Milliseconds(55'499));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_failed(copy(cap_), 0, 1);
  EXPECT_EQ(replicas_.sent.size(), 10U);  // the first half, ten times
}

TEST_F(CourierTest, TruncatedLastEnvelopeWithFinal_SucceedsWithoutIt) {
  auto whole = bacap::encode(envelope(2));
  Bytes framed;
  append_be(framed, static_cast<std::uint32_t>(whole.size()));
  append(framed, ByteView(whole).first(100));
  auto elements = stream({1}, /*with_final=*/false);
  elements.push_back(bacap::encode(bacap::CopyStreamElement{bacap::kElementFinal, framed}));
  upload(cap_, elements);
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(replicas_.sent.size(), 2U);
}

TEST_F(CourierTest, CourierGone_ItsCopiesStop) {
  auto courier = std::make_unique<Courier>(scheduler_, replicas_, audit_,
                                           bacap::make_geometry(2000).value(), knobs_);
  upload(cap_, stream({1}));
  const auto command =
      bacap::encode(bacap::CourierQuery(bacap::CopyCommand{to_bytes(cap_.view())}));
  EXPECT_TRUE(courier->handle(command));
  courier.reset();
  scheduler_.settle();
  EXPECT_EQ(replicas_.reads, 0);
}

TEST(CopyBackoff, TenAttempts_WaitAsSpecified) {
  Milliseconds sum{0};
  for (int made = 1; made < kCopyAttemptsMax; ++made) sum += copy_backoff(made);
  EXPECT_EQ(copy_backoff(1), Milliseconds(500));
  EXPECT_EQ(copy_backoff(5), Milliseconds(8'000));
  EXPECT_EQ(copy_backoff(6), Milliseconds(10'000));
  EXPECT_EQ(sum, Milliseconds(55'500));
}

}  // namespace
}  // namespace taubenpost::localnet
