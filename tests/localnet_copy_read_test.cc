// What a copy does, by the tables of pigeonhole 6.6, with scripted replicas and time moved by hand.
//
// 6.6, the copy job (CopyJobTest)
//   1      capability that does not parse        BadCapability_…
//          starts at the embedded index          CapabilityOfALaterIndex_…
//   2.1    65,536 boxes or envelopes             LimitOfBoxes_…, LimitOfEnvelopes_…
//   2.3    the box can't be read                 all of CopyReadTest
//   2.4    it does not verify, open or unpad     DamagedBox_…, BadPadding_…
//   2.5    decoder error                         StreamThatDoesNotDecode_…,
//                                                ErrorAfterAnEnvelopeInOneBox_…
//   2.6    one envelope after another            WholeStream_…, EnvelopeRefused_…,
//                                                EnvelopeOfAnEarlierBox_…
//   3      left over after the final mark        TruncatedLastEnvelopeWithFinal_…
//   prose  no epoch check, no cache, no repeats  EnvelopeOfAnyEpoch_…, EnvelopeInTheCache_…,
//          are recognised                        SameEnvelopeTwice_…
// 6.6.1, reading a temporary box (CopyReadTest)
//   success                                      FirstShardHasTheBox_…
//   not queued, time-out, garbled answer         UnknownShard_…, SilentShards_…,
//                                                GarbledAnswers_…
//   temporary code: same shard again             TemporaryCode_…, MissingBox_…,
//                                                BoxAppearsWhileRetrying_…
//   permanent code: next shard at once           PermanentCode_…, TombstoneAtOneShard_…
//   codes 1, 4, 6, 7, 9                          TemporaryCode_…
//   codes 2, 3, 5, 8, 10, 11, unknown            PermanentCode_…
//   last observed code                           LastCode_…
// 6.6.2, dispatching an envelope (CopyDispatchTest)
//   not queued: next attempt                     UnknownIntermediate_…,
//                                                IntermediateThatIsKnownLater_…
//   a reply with code 0                          OneReplicaSucceeds_…
//   only other codes: final, the first counts    EveryOtherCode_…, TwoCodes_…
//   a 10 wins                                    BothRefuse_…
//   no reply in 60 s: next attempt               SilentIntermediates_…
//   one reply in 60 s                            OneSilentIntermediate_…
// 6.6.3 is part of each failure. 6.6.4, the clean-up, is in localnet_copy_again_test.cc.
#include "support/courier_world.h"

namespace taubenpost::localnet {
namespace {

constexpr Milliseconds kBackOff{55'500};  // of ten attempts

// Ten of them fit into one box.
CourierEnvelope small_envelope(std::uint8_t number) {
  CourierEnvelope out = envelope(number);
  out.sender_key.resize(2);
  out.ciphertext.resize(2);
  return out;
}

Bytes framed(const CourierEnvelope& envelope) {
  const Bytes whole = bacap::encode(envelope);
  Bytes out;
  append_be(out, static_cast<std::uint32_t>(whole.size()));
  append(out, whole);
  return out;
}

Bytes final_element(const Bytes& chunk) {
  return bacap::encode(bacap::CopyStreamElement{bacap::kElementFinal, chunk});
}

// ---- 6.6 ---------------------------------------------------------------------------------------

class CopyJobTest : public CourierWorld {
 protected:
  // A job of its own, with limits that a test can reach.
  CopyOutcome run_limited(CopyLimits limits) {
    CopyOutcome outcome;
    const auto job = std::make_shared<CopyJob>(
        scheduler_, replicas_, bacap::make_geometry(2000).value(), cap_.view(),
        [&outcome](const CopyOutcome& end) { outcome = end; }, limits);
    job->start();
    scheduler_.settle();
    return outcome;
  }
};

TEST_F(CopyJobTest, BadCapability_FailsBeforeTheFirstEnvelope) {
  for (const std::size_t size : {0, 167, 168, 169}) {
    EXPECT_EQ(copy_bytes(Bytes(size)).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
    scheduler_.settle();
    expect_failed(copy_bytes(Bytes(size)), 0, 0);
  }
}

TEST_F(CopyJobTest, CapabilityOfALaterIndex_StartsThere) {
  upload(cap_, stream({1}));
  Bytes later = to_bytes(cap_.view());
  const auto next = cap_.index().next().value();
  std::copy(next.bytes().begin(), next.bytes().end(), later.end() - bacap::kIndexSize);
  copy_bytes(later);
  scheduler_.settle();
  // The second element is the rest of an envelope.
  expect_failed(copy_bytes(later), 0, 1);
  EXPECT_EQ(replicas_.reads, 1);
  EXPECT_TRUE(replicas_.sent.empty());
}

TEST_F(CopyJobTest, LimitOfBoxes_FailsWithZeroAtTheNextEnvelope) {
  upload(cap_, stream({1, 2}));  // three boxes
  const auto outcome = run_limited({.boxes = 2});
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.failed_envelope, 2U);
  EXPECT_EQ(replicas_.reads, 2);
  EXPECT_TRUE(run_limited({.boxes = 3}).succeeded);
  EXPECT_EQ(CopyLimits().boxes, 65'536U);
}

TEST_F(CopyJobTest, LimitOfEnvelopes_MayBePassedWithinOneBox) {
  Bytes chunk;
  for (const std::uint8_t number : {1, 2, 3}) append(chunk, framed(small_envelope(number)));
  upload(cap_, {bacap::encode(bacap::CopyStreamElement{0, chunk}),
                final_element(framed(small_envelope(4)))});
  const auto outcome = run_limited({.envelopes = 2});
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.failed_envelope, 4U);
  EXPECT_EQ(replicas_.sent.size(), 6U);
  EXPECT_TRUE(run_limited({.envelopes = 4}).succeeded);
  EXPECT_EQ(CopyLimits().envelopes, 65'536U);
}

TEST_F(CopyJobTest, DamagedBox_FailsWithZeroAndTheOtherShardIsNotAsked) {
  upload(cap_, stream({1}));
  replicas_.boxes[0][uploaded_[1]].payload[0] ^= 1;
  expect_failed(run_copy(cap_), 0, 1);
  EXPECT_EQ(replicas_.reads, 2);
}

TEST_F(CopyJobTest, BadPadding_FailsWithZero) {
  const Box box = bacap::encrypt_box(cap_, cap_.index(), Bytes(kTestMax + 4, 0xff));
  for (auto& shard : replicas_.boxes) shard[box.id] = box;
  expect_failed(run_copy(cap_), 0, 1);
  EXPECT_EQ(replicas_.reads, 1);
}

TEST_F(CopyJobTest, StreamThatDoesNotDecode_FailsWithZeroAfterWhatWasComplete) {
  auto elements = stream({1}, /*with_final=*/false);
  elements.push_back(Bytes{0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff});
  upload(cap_, elements);
  expect_failed(run_copy(cap_), 0, 2);
  EXPECT_EQ(replicas_.sent.size(), 2U);
}

TEST_F(CopyJobTest, ErrorAfterAnEnvelopeInOneBox_TheEnvelopeIsLostToo) {
  Bytes chunk = framed(small_envelope(1));
  append(chunk, Bytes(4, 0xff));
  upload(cap_, {final_element(chunk)});
  expect_failed(run_copy(cap_), 0, 1);
  EXPECT_TRUE(replicas_.sent.empty());
}

TEST_F(CopyJobTest, WholeStream_EveryEnvelopeIsDispatchedOnceInOrder) {
  upload(cap_, stream({1, 2, 3}));
  expect_succeeded(run_copy(cap_));
  ASSERT_EQ(replicas_.sent.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(replicas_.sent[i].second.front(), i / 2 + 1);
  EXPECT_EQ(audit_.copies_started, 1U);
  EXPECT_EQ(audit_.copies_succeeded, 1U);
}

TEST_F(CopyJobTest, EnvelopeRefused_EarlierOnesStayAppliedAndLaterOnesAreNotSent) {
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope& e) {
    return e.sender_key.front() == 2 ? ReplicaCode::kInvalidEpoch : ReplicaCode::kSuccess;
  };
  upload(cap_, stream({1, 2, 3}));
  expect_failed(run_copy(cap_), 8, 2);
  EXPECT_EQ(replicas_.sent.size(), 4U);
  EXPECT_EQ(audit_.copies_failed[8], 1U);
}

TEST_F(CopyJobTest, EnvelopeOfAnEarlierBox_IsAppliedBeforeTheNextBoxIsRead) {
  upload(cap_, stream({1, 2}));
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) {
    return std::optional<ReplicaCode>();
  };
  copy(cap_);
  scheduler_.advance(Milliseconds(30'000));
  EXPECT_EQ(replicas_.reads, 2);  // the second box completes the first envelope
  EXPECT_EQ(replicas_.sent.size(), 2U);
}

TEST_F(CopyJobTest, TruncatedLastEnvelopeWithFinal_SucceedsWithoutIt) {
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

TEST_F(CopyJobTest, EnvelopeOfAnyEpoch_IsDispatched) {
  auto old = small_envelope(1);
  old.epoch = kEpoch - 100;
  upload(cap_, {final_element(framed(old))});
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(replicas_.sent.size(), 2U);
}

TEST_F(CopyJobTest, EnvelopeInTheCache_IsDispatchedAgain) {
  ask(small_envelope(1));
  scheduler_.settle();
  upload(cap_, {final_element(framed(small_envelope(1)))});
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(replicas_.sent.size(), 4U);
  EXPECT_EQ(courier_.cached_envelopes(), 1U);
}

TEST_F(CopyJobTest, SameEnvelopeTwice_IsDispatchedTwice) {
  Bytes chunk = framed(small_envelope(1));
  append(chunk, framed(small_envelope(1)));
  upload(cap_, {final_element(chunk)});
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(replicas_.sent.size(), 4U);
}

// ---- 6.6.1 -------------------------------------------------------------------------------------

using CopyReadTest = CourierWorld;

TEST_F(CopyReadTest, FirstShardHasTheBox_TheSecondIsNotAsked) {
  upload(cap_, stream({1}));
  expect_succeeded(run_copy(cap_));
  EXPECT_EQ(replicas_.reads, 2);
}

TEST_F(CopyReadTest, UnknownShard_IsTriedTenTimesBeforeTheSecond) {
  upload(cap_, {final_element(framed(small_envelope(1)))});
  replicas_.unknown = {0};
  expect_succeeded(run_copy_for(cap_, kBackOff));
  EXPECT_EQ(replicas_.reads, 11);
}

TEST_F(CopyReadTest, GarbledAnswers_AreAttemptsAtTheSameShard) {
  replicas_.garbled = {0, 1};
  expect_failed(run_copy_for(cap_, 2 * kBackOff), 0, 1);
  EXPECT_EQ(replicas_.reads, 20);
}

TEST_F(CopyReadTest, SilentShards_FailWithZeroAfterAllTimeouts) {
  replicas_.silent = {0, 1};
  copy(cap_);
  scheduler_.advance(Milliseconds(2 * (10 * 60'000 + 55'500) - 1));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_failed(copy(cap_), 0, 1);
}

TEST_F(CopyReadTest, AnswerAfterItsTimeout_IsVoid) {
  replicas_.silent = {0};
  upload(cap_, {final_element(framed(small_envelope(1)))});
  copy(cap_);
  scheduler_.advance(Milliseconds(60'499));
  replicas_.silent = {};
  EXPECT_EQ(replicas_.reads, 1);
  scheduler_.advance(Milliseconds(1));
  expect_succeeded(copy(cap_));
  EXPECT_EQ(replicas_.reads, 2);
}

TEST_F(CopyReadTest, TemporaryCode_IsAskedForTenTimesAtEachShard) {
  std::uint8_t seed = 20;
  for (const int code : {1, 4, 6, 7, 9}) {
    SCOPED_TRACE(code);
    const auto value = static_cast<ReplicaCode>(code);
    replicas_.read_codes = {{0, value}, {1, value}};
    replicas_.reads = 0;
    expect_failed(run_copy_for(cap_of(++seed), 2 * kBackOff), code, 1);
    EXPECT_EQ(replicas_.reads, 20);
  }
}

TEST_F(CopyReadTest, PermanentCode_LeadsToTheNextShardAtOnce) {
  std::uint8_t seed = 20;
  for (const int code : {2, 3, 5, 8, 10, 11, 12, 200}) {
    SCOPED_TRACE(code);
    const auto value = static_cast<ReplicaCode>(code);
    replicas_.read_codes = {{0, value}, {1, value}};
    replicas_.reads = 0;
    expect_failed(run_copy(cap_of(++seed)), code, 1);
    EXPECT_EQ(replicas_.reads, 2);
  }
}

TEST_F(CopyReadTest, LastCode_IsReportedAlsoAfterSilence) {
  replicas_.read_codes = {{0, ReplicaCode::kTombstone}, {1, ReplicaCode::kDatabaseFailure}};
  expect_failed(run_copy_for(cap_of(20), kBackOff), 4, 1);
  replicas_.read_codes = {{0, ReplicaCode::kInvalidEpoch}};
  replicas_.silent = {1};
  expect_failed(run_copy_for(cap_of(21), 10 * kCopyReplyTimeout + kBackOff), 8, 1);
}

TEST_F(CopyReadTest, CodeOfAnEarlierBox_IsForgotten) {
  upload(cap_, stream({1, 2}));
  replicas_.boxes[0].erase(uploaded_[0]);
  const auto answers = replicas_.answer_to;
  replicas_.answer_to = [](ReplicaId, const CourierEnvelope&) {
    return std::optional<ReplicaCode>();
  };
  copy(cap_);
  scheduler_.advance(kBackOff);  // then the other shard has served the first box
  EXPECT_EQ(replicas_.sent.size(), 2U);
  replicas_.answer_to = answers;
  replicas_.silent = {0, 1};
  scheduler_.advance(21 * kCopyReplyTimeout + 3 * kBackOff);
  expect_failed(copy(cap_), 0, 2);
}

TEST_F(CopyReadTest, MissingBox_FailsWithOneAfterBothShardsWereTriedTenTimes) {
  copy(cap_);
  scheduler_.advance(Milliseconds(110'999));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_failed(copy(cap_), 1, 1);
  EXPECT_EQ(replicas_.reads, 20);
}

TEST_F(CopyReadTest, MissingFinal_EverythingIsAppliedAndTheNextEnvelopeIsNamed) {
  upload(cap_, stream({1, 2}, /*with_final=*/false));
  copy(cap_);
  scheduler_.advance(Milliseconds(120'000));
  expect_failed(copy(cap_), 1, 3);
  EXPECT_EQ(replicas_.sent.size(), 4U);
}

TEST_F(CopyReadTest, BoxAppearsWhileRetrying_TheCopyGoesOn) {
  copy(cap_);
  scheduler_.advance(Milliseconds(20'000));
  upload(cap_, stream({1}));
  scheduler_.advance(Milliseconds(10'000));
  expect_succeeded(copy(cap_));
}

TEST_F(CopyReadTest, FirstShardLacksTheBox_TheSecondServesIt) {
  upload(cap_, stream({1}));
  replicas_.boxes[0].clear();
  copy(cap_);
  scheduler_.advance(Milliseconds(120'000));
  expect_succeeded(copy(cap_));
}

TEST_F(CopyReadTest, TombstoneAtOneShard_TheOtherServesTheBoxAtOnce) {
  upload(cap_, stream({1}));
  replicas_.boxes[0][uploaded_[0]] = bacap::tombstone(cap_, cap_.index());
  expect_succeeded(run_copy(cap_));
}

TEST_F(CopyReadTest, TombstoneAtBothShards_FailsWithElevenAtOnce) {
  upload(cap_, stream({1}));
  for (auto& shard : replicas_.boxes) shard[uploaded_[0]] = bacap::tombstone(cap_, cap_.index());
  expect_failed(run_copy(cap_), 11, 1);
  EXPECT_TRUE(replicas_.sent.empty());
}

// ---- 6.6.2 -------------------------------------------------------------------------------------

class CopyDispatchTest : public CourierWorld {
 protected:
  // What both intermediates say, or nothing.
  void answer(std::optional<ReplicaCode> first, std::optional<ReplicaCode> second) {
    replicas_.answer_to = [first, second](ReplicaId to, const CourierEnvelope&) {
      return to == 2 ? first : second;
    };
  }
};

TEST_F(CopyDispatchTest, UnknownIntermediate_FailsWithZeroAfterTheBackOff) {
  replicas_.unknown = {4};
  upload(cap_, stream({1}));
  copy(cap_);
  scheduler_.advance(Milliseconds(55'499));
  EXPECT_EQ(copy(cap_).status, static_cast<std::uint8_t>(CopyStatus::kInProgress));
  scheduler_.advance(Milliseconds(1));
  expect_failed(copy(cap_), 0, 1);
  EXPECT_EQ(replicas_.sent.size(), 10U);  // the first half, ten times
}

TEST_F(CopyDispatchTest, IntermediateThatIsKnownLater_TheReplyOfTheFirstHalfIsLost) {
  answer(ReplicaCode::kBoxAlreadyExists, ReplicaCode::kSuccess);
  replicas_.unknown = {4};
  upload(cap_, stream({1}));
  copy(cap_);
  scheduler_.settle();
  replicas_.unknown = {};
  answer(ReplicaCode::kStorageFull, ReplicaCode::kInternalError);
  scheduler_.advance(Milliseconds(500));
  expect_failed(copy(cap_), 6, 1);  // not the 10 of the first attempt
}

TEST_F(CopyDispatchTest, OneReplicaSucceeds_TheEnvelopeCounts) {
  replicas_.answer_to = [](ReplicaId to, const CourierEnvelope&) {
    return to == 2 ? ReplicaCode::kBoxAlreadyExists : ReplicaCode::kSuccess;
  };
  upload(cap_, stream({1}));
  expect_succeeded(run_copy(cap_));
}

TEST_F(CopyDispatchTest, EveryOtherCode_IsFinal) {
  std::uint8_t seed = 20;
  for (const int code : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 200}) {
    SCOPED_TRACE(code);
    const auto temporary = cap_of(++seed);
    answer(static_cast<ReplicaCode>(code), static_cast<ReplicaCode>(code));
    replicas_.sent.clear();
    upload(temporary, stream({1}));
    expect_failed(run_copy(temporary), code, 1);
    EXPECT_EQ(replicas_.sent.size(), 2U);
  }
}

TEST_F(CopyDispatchTest, TwoCodes_TheFirstToArriveIsReported) {
  answer(ReplicaCode::kStorageFull, ReplicaCode::kInvalidEpoch);
  upload(cap_, stream({1}));
  expect_failed(run_copy(cap_), 6, 1);
  const auto other = cap_of(20);
  answer(ReplicaCode::kInvalidEpoch, ReplicaCode::kStorageFull);
  upload(other, stream({1}));
  expect_failed(run_copy(other), 8, 1);
}

TEST_F(CopyDispatchTest, BothRefuse_TheConflictIsReportedWhereverItCame) {
  replicas_.answer_to = [](ReplicaId to, const CourierEnvelope&) {
    return to == 2 ? ReplicaCode::kStorageFull : ReplicaCode::kBoxAlreadyExists;
  };
  upload(cap_, stream({1}));
  expect_failed(run_copy(cap_), 10, 1);
}

TEST_F(CopyDispatchTest, SilentIntermediates_FailWithZeroAfterAllTimeouts) {
  answer({}, {});
  upload(cap_, stream({1}));
  expect_failed(run_copy_for(cap_, 10 * kCopyReplyTimeout + kBackOff), 0, 1);
  EXPECT_EQ(replicas_.sent.size(), 20U);
}

TEST_F(CopyDispatchTest, IntermediatesThatAnswerLater_TheNextAttemptSucceeds) {
  answer({}, {});
  upload(cap_, stream({1}));
  copy(cap_);
  scheduler_.advance(kCopyReplyTimeout);
  answer(ReplicaCode::kSuccess, ReplicaCode::kSuccess);
  scheduler_.advance(Milliseconds(500));
  expect_succeeded(copy(cap_));
  EXPECT_EQ(replicas_.sent.size(), 4U);
}

TEST_F(CopyDispatchTest, OneSilentIntermediate_DelaysTheEnvelopeByAMinute) {
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

TEST_F(CopyDispatchTest, OneRefusalAndSilence_IsFinalAfterAMinute) {
  answer({}, ReplicaCode::kDatabaseFailure);
  upload(cap_, stream({1}));
  expect_failed(run_copy_for(cap_, kCopyReplyTimeout), 4, 1);
  EXPECT_EQ(replicas_.sent.size(), 2U);
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
