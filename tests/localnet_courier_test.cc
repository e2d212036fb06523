// The courier's rules for envelopes and commands (pigeonhole 6.3 to 6.5), with scripted replicas
// and time moved by hand. What a copy does: localnet_copy_read_test.cc,
// localnet_copy_again_test.cc.
#include "support/courier_world.h"

namespace taubenpost::localnet {
namespace {

using bacap::CourierCode;
using bacap::EnvelopeReplyType;

using CourierTest = CourierWorld;

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

// ---- copy commands ------------------------------------------------------------------------------

TEST_F(CourierTest, CopyVerdict_IsKeptForHalfAnHourAndThenRunsAgain) {
  upload(cap_, stream({1}));
  expect_succeeded(run_copy(cap_));
  scheduler_.advance(Courier::kCopyResultAge - Milliseconds(1));
  expect_succeeded(copy(cap_));
  EXPECT_EQ(audit_.copies_started, 1U);
  scheduler_.advance(Milliseconds(1));
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(audit_.copies_started, 2U);
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

}  // namespace
}  // namespace taubenpost::localnet
