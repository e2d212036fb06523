// Every trouble that the network can make for a sender, and what it does about it.
#include <gtest/gtest.h>

#include "engine/retract_send.h"
#include "model/has_upload.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

using ports::CopyResult;
using ports::Outcome;

constexpr std::size_t kChunk = SendWorld::kChunk;
constexpr std::size_t kBatch = 4;  // chunks; a body has four batches, one after the other
CopyResult copy_failed(std::uint8_t code, std::uint64_t at) {
  return {CopyResult::Kind::kFailed, code, at};
}

class EngineSendFaultsTest : public testing::Test {
 protected:
  EngineSendFaultsTest() { world.channel("anna"); }

  static void one_after_the_other(SendWorld& one) {
    one.options.slice_chunks = kBatch;
    one.options.active_batches = 1;
  }
  JobId queue_batches() {
    one_after_the_other(world);
    return queue(4 * kBatch * kChunk);
  }
  JobId queue(std::size_t size) { return world.queue_bytes("file", size, {"anna"}); }
  void expect_posted(JobId id, std::uint64_t number = 0) {
    const SendJobRow job = world.job(id);
    ASSERT_EQ(job.state, SendState::kPosted) << job.error_text;
    EXPECT_TRUE(world.store->batches(id)->empty());
    const std::optional<wire::Letter> letter = world.letter("anna", number);
    ASSERT_TRUE(letter);
    EXPECT_EQ(letter->id, job.transfer);
    EXPECT_TRUE(world.content(*letter) == SendWorld::pattern(job.plan.size));
  }
  void expect_failed(JobId id, const std::string& why) {
    const SendJobRow job = world.job(id);
    EXPECT_EQ(job.state, SendState::kFailed);
    EXPECT_NE(job.error_text.find(why), std::string::npos) << job.error_text;
    EXPECT_EQ(world.store->batches(id)->empty(), !has_upload(job));
  }
  bacap::ReadCap body(JobId id) const {
    return bacap::WriteCap::from_seed(world.job(id).plan.body_seed).read_cap();
  }
  bacap::MessageBoxIndex body_index(JobId id, std::uint64_t chunk) const {
    bacap::MessageBoxIndex at = body(id).index();
    for (std::uint64_t i = 0; i < chunk; ++i) at = *at.next();
    return at;
  }
  // Puts something else into a box of the body before it gets there.
  void spoil_body(JobId id, std::uint64_t chunk, const std::string& content) {
    world.network.put(bacap::WriteCap::from_seed(world.job(id).plan.body_seed),
                      body_index(id, chunk), as_bytes(content));
  }
  // The next `times` copies fail with the code at envelope `at`.
  void fail_copies(int times, std::uint64_t at, int code) {
    world.network.on_envelope = [=](const CourierRow&,
                                    std::uint64_t k) mutable -> std::optional<std::uint8_t> {
      if (k != at || times-- <= 0) return std::nullopt;
      return static_cast<std::uint8_t>(code);
    };
  }
  // Ends the engine when a copy was issued that no courier heard of.
  void run_until_copy_is_lost() {
    bool issued = false;
    world.network.on_copy = [&](const CourierRow&) -> std::optional<CopyResult> {
      issued = true;
      return CopyResult{};
    };
    for (std::uint64_t at = 1; !issued; ++at) ASSERT_FALSE(world.run_engine_until(at));
    world.network.on_copy = nullptr;
  }
  std::uint64_t now_ms() const { return world.clock.unix_ms(); }
  // The most that any sequence was copied at, and the most commands that it took.
  std::size_t couriers_of_one() const {
    std::size_t most = 0;
    for (const auto& [sequence, couriers] : world.network.copies) {
      std::set<Bytes32> hashes;
      for (const CourierRow& courier : couriers) hashes.insert(courier.identity_hash);
      most = std::max(most, hashes.size());
    }
    return most;
  }
  std::size_t commands_of_one() const {
    std::size_t most = 0;
    for (const auto& [sequence, couriers] : world.network.copies)
      most = std::max(most, couriers.size());
    return most;
  }

  SendWorld world;
};

// ---- a copy that fails ----

class EngineCopyFailsTest : public EngineSendFaultsTest, public testing::WithParamInterface<int> {};

TEST_P(EngineCopyFailsTest, Once_WritesAgainConfirmedAndGoesToAnotherCourier) {
  const JobId id = queue_batches();
  std::optional<CourierRow> bad;
  world.network.on_envelope = [&](const CourierRow& courier,
                                  std::uint64_t k) -> std::optional<std::uint8_t> {
    if (!bad) bad = courier;
    if (courier == *bad && k == 2) return static_cast<std::uint8_t>(GetParam());
    return std::nullopt;
  };
  world.network.on_built = [&](ports::BuiltElements&) {
    // Only the first sequence meets the bad courier.
    if (world.network.copied_sequences.size() == 1) world.network.on_envelope = {};
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "going on at another courier"));
  EXPECT_FALSE(world.noted(id, "built again"));
  EXPECT_EQ(world.network.copied_sequences.size(), 5U);
  EXPECT_EQ(world.network.confirmed_writes, 6U);  // all elements of 4 chunks, each once
  EXPECT_EQ(couriers_of_one(), 2U);
}

TEST_P(EngineCopyFailsTest, AtTwoCouriers_BuildsAgain) {
  const JobId id = queue_batches();
  fail_copies(2, 3, GetParam());
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "built again"));
  EXPECT_EQ(couriers_of_one(), 2U);
}

TEST_P(EngineCopyFailsTest, AtTheOnlyCourier_BuildsAgainWithPauses) {
  world.network.couriers.resize(1);
  const JobId id = queue_batches();
  const std::uint64_t begin = now_ms();
  fail_copies(8, 1, GetParam());
  run_all(world, 1);
  expect_posted(id);
  // Eight generations cost packets: they may not follow each other at once.
  EXPECT_GT(now_ms() - begin, 180'000U);
}

INSTANTIATE_TEST_SUITE_P(Codes, EngineCopyFailsTest, testing::Values(0, 1, 4, 7, 9));

TEST_F(EngineSendFaultsTest, CopyOfAgedElements_BuildsAgain) {
  const JobId id = queue_batches();
  fail_copies(1, 1, 8);
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "built again"));
  EXPECT_EQ(world.network.confirmed_writes, 0U);
}

TEST_F(EngineSendFaultsTest, CopyThatMeetsFullStorage_WaitsLong) {
  const JobId id = queue_batches();
  bool failed = false;
  std::uint64_t failed_at = 0, next_build = 0;
  world.network.on_envelope = [&](const CourierRow&, std::uint64_t) -> std::optional<std::uint8_t> {
    if (std::exchange(failed, true)) return std::nullopt;
    failed_at = now_ms();
    return 6;
  };
  world.network.on_built = [&](ports::BuiltElements&) {
    if (failed && next_build == 0) next_build = now_ms();
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_GE(next_build - failed_at, 30'000U);
}

TEST_F(EngineSendFaultsTest, PauseBeforeABatchIsBuiltAgain_OutlivesAKill) {
  const JobId id = queue(4 * kBatch * kChunk);
  bool failed = false;
  world.network.on_envelope = [&](const CourierRow&, std::uint64_t) -> std::optional<std::uint8_t> {
    if (std::exchange(failed, true)) return std::nullopt;
    return 6;
  };
  const auto due_ms = [&] {
    const Result<std::vector<BatchRow>> batches = world.store->batches(id);
    std::uint64_t latest = 0;
    for (const BatchRow& row : *batches) latest = std::max(latest, row.not_before_ms);
    return latest;
  };
  for (std::uint64_t at = 1; due_ms() <= now_ms(); ++at) ASSERT_FALSE(world.run_engine_until(at));
  const std::uint64_t due = due_ms();
  EXPECT_GT(due, now_ms() + 20'000);
  run_all(world, 1);
  expect_posted(id);
  EXPECT_GE(world.job(id).sent, due / 1000);
  EXPECT_LE(world.job(id).sent, due / 1000 + 30);  // and does not begin anew
}

TEST_F(EngineSendFaultsTest, CopyThatIsOurMistake_FailsTheJob) {
  for (const std::uint8_t code : {2, 3, 5, 77}) {
    const JobId id = queue_batches();
    world.network.on_envelope =
        [code](const CourierRow&, std::uint64_t) -> std::optional<std::uint8_t> { return code; };
    run_all(world, 0, 1);
    expect_failed(id, "replica code " + std::to_string(code));
  }
  const JobId id = queue_batches();
  world.network.on_copy = [](const CourierRow&) {
    CopyResult rejected;
    rejected.kind = CopyResult::Kind::kRejected;
    return rejected;
  };
  run_all(world, 0, 1);
  expect_failed(id, "copy");
}

// ---- code 10 and 11: the boxes decide ----

TEST_F(EngineSendFaultsTest, CopyRefusedAndBoxesOurs_IsDone) {
  for (const std::uint8_t code : {10, 11}) {
    const JobId id = queue_batches();
    int commands = 0;
    world.network.on_copy = [&](const CourierRow& courier) -> std::optional<CopyResult> {
      // The courier does its work, nobody hears of it, and then it meets its own boxes.
      if (++commands == 1) world.network.silent.insert(courier.identity_hash);
      if (commands != 6) return std::nullopt;
      world.network.silent.clear();
      return copy_failed(code, 2);
    };
    run_all(world, 1);
    EXPECT_GT(commands, 6);
    EXPECT_FALSE(world.noted(id, "built again"));
    expect_posted(id, code - 10U);
  }
}

TEST_F(EngineSendFaultsTest, TemporaryBoxRetracted_BuildsAgain) {
  const JobId id = queue_batches();
  run_until(world, id, SendState::kUploading);
  bool done = false;
  world.network.on_copy = [&](const CourierRow&) -> std::optional<CopyResult> {
    if (done) return std::nullopt;
    const BatchRow row = world.store->batch(id, BatchIndex{0}).value();
    const bacap::WriteCap cap = bacap::WriteCap::from_seed(row.temporary_seed);
    world.network.put(cap, *cap.index().next(), {});
    done = true;
    return std::nullopt;
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "replica code 11"));
}

TEST_F(EngineSendFaultsTest, BodyBoxTakenByOtherContent_FailsAndNeverLoops) {
  for (const std::uint64_t chunk : {0, 1, 3}) {
    const JobId id = queue_batches();
    run_until(world, id, SendState::kUploading);
    spoil_body(id, chunk, "not ours");
    run_all(world, 0, 1);
    expect_failed(id, "holds something else");
    EXPECT_FALSE(world.box("anna", 0));
  }
}

TEST_F(EngineSendFaultsTest, BodyBoxRetracted_FailsAndNeverLoops) {
  for (const std::uint64_t chunk : {0, 2, 3}) {
    const JobId id = queue_batches();
    run_until(world, id, SendState::kUploading);
    spoil_body(id, chunk, "");
    run_all(world, 0, 1);
    expect_failed(id, "retracted");
    EXPECT_FALSE(world.box("anna", 0));
  }
}

TEST_F(EngineSendFaultsTest, CopyRefusedAndBoxesMissing_BuildsAgain) {
  const JobId id = queue_batches();
  fail_copies(1, 3, 10);
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "replica code 10"));
}

// ---- a courier that does not answer ----

TEST_F(EngineSendFaultsTest, CopyThatTakesLong_IsAskedForAtTheSameCourier) {
  const JobId id = queue_batches();
  run_all(world, 1);
  expect_posted(id);
  EXPECT_GT(commands_of_one(), 1U);
  EXPECT_LT(commands_of_one(), 8U);
  EXPECT_EQ(couriers_of_one(), 1U);
}

TEST_F(EngineSendFaultsTest, LostAnswersThatComeAtOnce_AreNoBusyLoop) {
  const JobId id = queue_batches();
  int lost = 0;
  const std::uint64_t begin = now_ms();
  world.network.on_copy = [&](const CourierRow&) -> std::optional<CopyResult> {
    if (++lost > 20) return std::nullopt;
    return CopyResult{};  // kNoAnswer, without waiting
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_GT(now_ms() - begin, 60'000U);
}

TEST_F(EngineSendFaultsTest, CourierThatLosesItsMemory_IsAskedAgain) {
  const JobId id = queue_batches();
  int commands = 0;
  world.network.on_copy = [&](const CourierRow&) -> std::optional<CopyResult> {
    if (++commands == 3) world.network.forget_copies();
    return std::nullopt;
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_FALSE(world.noted(id, "built again"));
}

TEST_F(EngineSendFaultsTest, CourierThatLeavesTheDirectory_IsReplaced) {
  const JobId id = queue_batches();
  std::optional<CourierRow> first;
  world.network.on_copy = [&](const CourierRow& courier) -> std::optional<CopyResult> {
    if (!first) {
      first = courier;
      std::erase(world.network.couriers, courier);
      return CopyResult{};
    }
    EXPECT_NE(courier, *first);
    return std::nullopt;
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_FALSE(world.noted(id, "built again"));
}

TEST_F(EngineSendFaultsTest, CourierThatNeverAnswers_IsReplacedAfterItsTime) {
  const JobId id = queue_batches();
  const std::uint64_t begin = now_ms();
  world.network.on_copy = [&](const CourierRow& courier) -> std::optional<CopyResult> {
    if (world.network.lazy.empty()) world.network.lazy.insert(courier.identity_hash);
    return std::nullopt;
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_GT(now_ms() - begin, 30U * 60'000);
  EXPECT_LT(now_ms() - begin, 180U * 60'000);
  EXPECT_TRUE(world.noted(id, "going on at another courier"));
}

TEST_F(EngineSendFaultsTest, CourierThatWorksAndNeverAnswers_IsFoundOutByReading) {
  const JobId id = queue_batches();
  for (const CourierRow& courier : world.network.couriers)
    world.network.silent.insert(courier.identity_hash);
  run_all(world, 1);
  expect_posted(id);
  EXPECT_EQ(world.network.confirmed_writes, 0U);  // nothing was missing
  EXPECT_FALSE(world.noted(id, "built again"));
}

TEST_F(EngineSendFaultsTest, SwitchedOffDuringACopy_GivesTheCourierItsTimeAgain) {
  const JobId id = queue_batches();
  bool issued = false;
  world.network.on_copy = [&](const CourierRow&) -> std::optional<CopyResult> {
    issued = true;
    return std::nullopt;
  };
  for (std::uint64_t at = 1; !issued; ++at) ASSERT_FALSE(world.run_engine_until(at));
  world.network.forget_copies();
  world.network.copy_ms = 270'000;
  world.let_pass(std::chrono::hours(10));
  run_all(world, 1);
  expect_posted(id);
  EXPECT_FALSE(world.noted(id, "another courier"));
  EXPECT_EQ(world.network.confirmed_writes, 0U);
}

TEST_F(EngineSendFaultsTest, SwitchedOffUntilTheContentAged_Fails) {
  const JobId id = queue_batches();
  run_until_copy_is_lost();
  world.let_pass(std::chrono::hours(24 * 15));
  ASSERT_TRUE(world.run_engine());
  expect_failed(id, "ages out");
}

TEST_F(EngineSendFaultsTest, SwitchedOffUntilTheTombstonesAged_BuildsThemAgain) {
  const JobId id = queue_batches();
  run_all(world, 1);
  ASSERT_TRUE(world.run(retract_send(world.ports(), id, Way::kCopy)));
  run_until_copy_is_lost();
  world.let_pass(std::chrono::hours(24 * 15));
  ASSERT_TRUE(world.run_engine());
  EXPECT_TRUE(world.noted(id, "epoch window"));
}

// ---- elements ----

TEST_F(EngineSendFaultsTest, ElementThatNobodyStored_IsWrittenAgainConfirmed) {
  for (const std::uint64_t lost : {1, 3, 6}) {
    SendWorld one;
    one.channel("anna");
    one_after_the_other(one);
    const JobId id = one.queue_bytes("file", 4 * kBatch * kChunk, {"anna"});
    one.network.on_write =
        [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
      if (call.number != lost) return std::nullopt;
      return ModelNetwork::WriteFault{false, Outcome::kOk};  // acknowledged, and lost
    };
    const Result<RunSummary> summary = one.run_engine();
    ASSERT_TRUE(summary);
    EXPECT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    EXPECT_EQ(one.network.confirmed_writes, 6U);
    EXPECT_TRUE(one.content(*one.letter("anna", 0)) == SendWorld::pattern(4 * kBatch * kChunk));
  }
}

TEST_F(EngineSendFaultsTest, KilledDuringTheCopyAfterwards_WritesNothingAThirdTime) {
  const JobId id = queue_batches();
  world.network.on_write =
      [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    if (call.number != 2) return std::nullopt;
    return ModelNetwork::WriteFault{false, Outcome::kOk};
  };
  const auto second_copy_issued = [&] {
    const Result<BatchRow> row = world.store->batch(id, BatchIndex{0});
    return row && row->confirmed_writes && row->copy_issued_ms != 0;
  };
  // The kill comes later each time, so that the loop gets to the second copy.
  for (std::uint64_t at = 30; !second_copy_issued(); ++at) ASSERT_FALSE(world.run_engine_until(at));
  const std::uint64_t before = world.network.confirmed_writes;
  EXPECT_GE(before, 6U);
  run_all(world, 1);
  expect_posted(id);
  EXPECT_EQ(world.network.confirmed_writes, before);
}

TEST_F(EngineSendFaultsTest, TemporaryPositionTaken_BuildsAgain) {
  const JobId id = queue_batches();
  bool taken = false;
  world.network.on_write =
      [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    if (call.number != 4 || std::exchange(taken, true)) return std::nullopt;
    return ModelNetwork::WriteFault{false, Outcome::kTaken};
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "spoiled"));
}

TEST_F(EngineSendFaultsTest, TransientOutcomesOfWrites_AreRepeated) {
  const JobId id = queue(17 * kChunk);
  world.network.on_write =
      [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    switch (call.number % 7) {
      case 0:
        return ModelNetwork::WriteFault{true, Outcome::kRetry};  // stored; the answer is lost
      case 2:
        return ModelNetwork::WriteFault{false, Outcome::kRetry};
      case 4:
        return ModelNetwork::WriteFault{false, Outcome::kReencrypt};
      case 5:
        return ModelNetwork::WriteFault{false, Outcome::kStorageFull};
      default:
        return std::nullopt;
    }
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_FALSE(world.noted(id, "built again"));
}

TEST_F(EngineSendFaultsTest, WriteThatIsRefused_FailsTheJob) {
  const JobId id = queue_batches();
  world.network.on_write = [&](const ModelNetwork::WriteCall&) {
    return ModelNetwork::WriteFault{false, Outcome::kRejected};
  };
  run_all(world, 0, 1);
  expect_failed(id, "refused");
}

TEST_F(EngineSendFaultsTest, OneJobWhoseWritesNeverGoThrough_HoldsUpNoOther) {
  world.options.write_window = 2;
  const JobId stuck = queue(6 * kChunk);
  run_until(world, stuck, SendState::kUploading);
  const JobId other = world.queue_bytes("other", 8 * kChunk, {"anna"});
  const std::uint64_t limit = now_ms() + 120'000;
  world.network.on_write =
      [&](const ModelNetwork::WriteCall& call) -> std::optional<ModelNetwork::WriteFault> {
    if (call.job != stuck || world.job(other).state == SendState::kPosted || now_ms() > limit)
      return std::nullopt;
    return ModelNetwork::WriteFault{false, Outcome::kStorageFull};
  };
  run_all(world, 2);
  EXPECT_LT(world.job(other).finished, limit / 1000);
}

// ---- the daemon ----

TEST_F(EngineSendFaultsTest, DaemonWithOtherKeys_FailsBeforeAnythingIsWritten) {
  const JobId id = queue(6 * kChunk);
  world.network.on_keypair = [](ports::KeyPair& pair) { pair.first[9] ^= 1; };
  run_all(world, 0, 1);
  expect_failed(id, "BACAP");
  const JobId second = queue(10);
  world.network.on_keypair = [](ports::KeyPair& pair) { pair.write_cap.writable()[1] ^= 1; };
  run_all(world, 0, 1);
  expect_failed(second, "BACAP");
  EXPECT_EQ(world.network.writes, 0U);
}

TEST_F(EngineSendFaultsTest, DaemonWithOtherIndices_FailsBeforeAnythingIsWritten) {
  const std::vector<std::function<void(ports::BuiltElements&)>> lies{
      [](ports::BuiltElements& built) { built.next.front()[0] ^= 1; },
      [](ports::BuiltElements& built) { built.next.clear(); },
      [](ports::BuiltElements& built) { built.next.push_back(built.next.front()); },
      [](ports::BuiltElements& built) { built.elements.clear(); },
      [](ports::BuiltElements& built) {
        if (!built.elements.empty()) built.elements.front()[0] = 0;
      },
      [](ports::BuiltElements& built) {
        if (!built.elements.empty()) built.elements.front().clear();
      },
  };
  for (const auto& lie : lies) {
    const JobId id = queue_batches();
    world.network.on_built = lie;
    run_all(world, 0, 1);
    EXPECT_EQ(world.job(id).state, SendState::kFailed);
    EXPECT_EQ(world.network.writes, 0U);
  }
}

// ---- reading back ----

TEST_F(EngineSendFaultsTest, BodyBoxLostAfterTheCopy_IsBuiltAgain) {
  const JobId id = queue_batches();
  bool lost = false;
  world.network.on_read = [&](const IndexBytes&) -> std::optional<ports::ReadResult> {
    if (!std::exchange(lost, true)) world.network.lose(body(id), body_index(id, 3));
    return std::nullopt;
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_TRUE(world.noted(id, "can't be read"));
}

TEST_F(EngineSendFaultsTest, BodyBoxOfALaggingShard_IsWaitedFor) {
  const JobId id = queue_batches();
  const std::uint64_t begin = now_ms();
  world.network.on_read = [&](const IndexBytes&) -> std::optional<ports::ReadResult> {
    if (now_ms() - begin > 90'000) return std::nullopt;
    return ports::ReadResult{Outcome::kNotFound, {}, {}};
  };
  run_all(world, 1);
  expect_posted(id);
  EXPECT_FALSE(world.noted(id, "built again"));
}

TEST_F(EngineSendFaultsTest, BodyBoxThatReadsDifferently_FailsTheJob) {
  const JobId id = queue_batches();
  world.network.on_read = [&](const IndexBytes&) {
    return ports::ReadResult{Outcome::kOk, Bytes(kChunk, 'x'), {}};
  };
  run_all(world, 0, 1);
  expect_failed(id, "something else");
}

TEST_F(EngineSendFaultsTest, ReadThatIsRefused_FailsTheJobAtOnce) {
  const JobId id = queue_batches();
  world.network.on_read = [&](const IndexBytes&) {
    return ports::ReadResult{Outcome::kRejected, {}, "replica 2"};
  };
  run_all(world, 0, 1);
  expect_failed(id, "replica 2");
  EXPECT_EQ(world.network.reads, 1U);
}

TEST_F(EngineSendFaultsTest, ReadsWithStaleKeys_AreMadeAgainUntilTheyWork) {
  const JobId id = queue(6 * kChunk);
  const std::uint64_t begin = now_ms();
  world.network.on_read = [&](const IndexBytes&) -> std::optional<ports::ReadResult> {
    if (now_ms() - begin > 300'000) return std::nullopt;
    return ports::ReadResult{Outcome::kReencrypt, {}, "replica 8"};
  };
  run_all(world, 1);
  expect_posted(id);
}

TEST_F(EngineSendFaultsTest, BodyBoxThatIsUnreadable_FailsAfterFreshReads) {
  const JobId id = queue_batches();
  world.network.on_read = [&](const IndexBytes&) {
    return ports::ReadResult{Outcome::kUnreadable, {}, "thin 23"};
  };
  run_all(world, 0, 1);
  expect_failed(id, "read back");
  EXPECT_EQ(world.network.reads, 3U);
}

}  // namespace
}  // namespace taubenpost
