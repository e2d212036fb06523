// Calling back a transfer: letters and body become tombstones, whatever was under way.
#include <gtest/gtest.h>

#include "engine/end_send.h"
#include "engine/retract_send.h"
#include "engine/retry_send.h"
#include "engine/share_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
using ports::Outcome;
constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineRetractTest : public testing::TestWithParam<Way> {
 protected:
  EngineRetractTest() { prepare(world); }
  static void prepare(SendWorld& in) {
    for (const char* name : {"anna", "ben"}) in.channel(name);
  }
  static JobId queue(SendWorld& in, std::size_t size, const std::string& name = "file") {
    return in.queue_bytes(name, size, {"anna", "ben"});
  }
  static JobId post(SendWorld& in, std::size_t size, const std::string& name = "file") {
    const JobId id = queue(in, size, name);
    EXPECT_TRUE(in.run_engine());
    EXPECT_EQ(in.job(id).state, SendState::kPosted) << in.job(id).error_text;
    return id;
  }
  static Status retract(SendWorld& in, JobId id, Way way = Way::kCopy) {
    return in.run(retract_send(in.ports(), id, way));
  }
  static Status cancel(SendWorld& in, JobId id, CancelKind kind) {
    return in.run(cancel_send(in.ports(), id, kind));
  }
  static RetractJobRow retraction(const SendWorld& in, JobId id) {
    const Result<std::optional<RetractJobRow>> row = in.store->retract_job(id);
    EXPECT_TRUE(row && row->has_value());
    return row->value_or(RetractJobRow{});
  }
  // Goes on step by step until a courier has been asked to copy the letters.
  static void run_until_letters_are_issued(SendWorld& in, JobId id) {
    const auto issued = [&] {
      const Result<std::vector<BatchRow>> rows = in.store->batches(id);
      for (const BatchRow& row : *rows)
        if (is_commit(row.index) && row.copy_issued_ms != 0) return true;
      return false;
    };
    for (std::uint64_t at = 1; !issued(); ++at) ASSERT_FALSE(in.run_engine_until(at));
  }
  static std::optional<Bytes> body_box(const SendWorld& in, JobId id, std::uint64_t number) {
    const bacap::WriteCap body = bacap::WriteCap::from_seed(in.job(id).plan.body_seed);
    bacap::MessageBoxIndex at = body.index();
    for (std::uint64_t i = 0; i < number; ++i) at = *at.next();
    return in.network.peek(body.read_cap(), at);
  }
  static bool is_tombstone(const std::optional<Bytes>& box) { return box && box->empty(); }
  // Nothing of the transfer can be read, and no reader waits at a gap.
  static void expect_retracted(const SendWorld& in, JobId id, std::uint64_t position = 0) {
    EXPECT_EQ(retraction(in, id).state, RetractState::kRetracted) << retraction(in, id).error_text;
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_EQ(in.recipient(id, i).state, RecipientState::kRetracted) << i;
    for (const char* name : {"anna", "ben"})
      EXPECT_TRUE(is_tombstone(in.box(name, position))) << name;
    for (std::uint64_t i = 0; i < in.job(id).plan.boxes; ++i)
      EXPECT_TRUE(is_tombstone(body_box(in, id, i))) << "box " << i;
    EXPECT_TRUE(in.store->batches(id)->empty());
  }

  SendWorld world;
};
INSTANTIATE_TEST_SUITE_P(Way, EngineRetractTest, testing::Values(Way::kCopy, Way::kDirect),
                         way_name);
using EngineRetractJobTest = EngineRetractTest;  // where the way makes no difference
INSTANTIATE_TEST_SUITE_P(Job, EngineRetractJobTest, testing::Values(Way::kCopy));

TEST_P(EngineRetractTest, PostedJob_LettersAndBodyBecomeTombstones) {
  const JobId id = post(world, 9 * kChunk);
  const std::uint64_t builds = world.network.builds;
  ASSERT_TRUE(retract(world, id, GetParam()));
  EXPECT_EQ(retraction(world, id).may_have_seen, (std::vector<std::uint64_t>{0, 1}));
  run_all(world, 1);
  expect_retracted(world, id);
  EXPECT_EQ(world.job(id).state, SendState::kPosted);
  const bool is_direct = GetParam() == Way::kDirect;
  EXPECT_EQ(world.network.tombstones, is_direct ? 11U : 0U);
  EXPECT_EQ(world.network.builds == builds, is_direct);
  // The next transfer is found behind the tombstones.
  post(world, 10, "next");
  EXPECT_TRUE(world.letter("anna", 1));
  EXPECT_TRUE(world.letter("ben", 1));
  run_all(world, 0);
}

TEST_P(EngineRetractTest, ContentInTheLetter_OnlyLettersAreWritten) {
  const JobId id = post(world, 10);
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 1);
  expect_retracted(world, id);
  EXPECT_EQ(retraction(world, id).boxes, 0U);
}

TEST_P(EngineRetractTest, KilledAtAnyStep_GoesOnToTheEnd) {
  bool ended = false;
  int kills = 0;
  for (std::uint64_t at = 1; !ended; at += 2, ++kills) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    prepare(one);
    const JobId id = post(one, 9 * kChunk);
    ASSERT_TRUE(retract(one, id, GetParam()));
    ended = one.run_engine_until(at);
    ASSERT_TRUE(one.run_engine());
    expect_retracted(one, id);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(kills, 20);
}

TEST_P(EngineRetractTest, KilledAgainAndAgain_GoesOnToTheEnd) {
  const JobId id = post(world, 9 * kChunk);
  ASSERT_TRUE(retract(world, id, GetParam()));
  int lives = 1;
  for (std::uint64_t at = 5; !world.run_engine_until(at); at = 5 + at % 40) ++lives;
  EXPECT_GT(lives, 3);
  expect_retracted(world, id);
}

// ---- what is under way when the user says so ----

TEST_P(EngineRetractJobTest, CommittingJob_IsStoppedInTheSameStep) {
  const JobId id = queue(world, 6 * kChunk);
  world.network.on_built = [&](ports::BuiltElements&) {
    if (world.job(id).state == SendState::kCommitting) world.network.gone = true;
  };
  world.network.gone_at_once = true;
  EXPECT_FALSE(world.run_engine());
  world.network.on_built = nullptr;
  world.network.gone = false;
  ASSERT_EQ(world.job(id).state, SendState::kCommitting);
  ASSERT_TRUE(retract(world, id));
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);
  EXPECT_TRUE(world.store->batches(id)->empty());
  EXPECT_TRUE(retraction(world, id).may_have_seen.empty());  // no courier was asked to copy
  run_all(world, 1);
  expect_retracted(world, id);
}

TEST_P(EngineRetractJobTest, CourierStillRunsTheLetters_TombstoneWins) {
  world.network.copy_ms = 3'600'000;
  const JobId id = queue(world, 10);
  run_until_letters_are_issued(world, id);
  world.network.copy_ms = 3'000;
  ASSERT_TRUE(retract(world, id));
  EXPECT_EQ(retraction(world, id).may_have_seen, (std::vector<std::uint64_t>{0, 1}));
  run_all(world, 1);
  expect_retracted(world, id);
  world.let_pass(std::chrono::hours(2));
  post(world, 10, "next");  // the courier has run the letters of the first one by now
  expect_retracted(world, id);
}

TEST_P(EngineRetractJobTest, CancelledAfterTheDecision_IsRetracted) {
  const JobId id = queue(world, 6 * kChunk);
  run_until(world, id, SendState::kCommitting);
  ASSERT_TRUE(cancel(world, id, CancelKind::kStop));
  run_all(world, 1);
  expect_retracted(world, id);
  EXPECT_EQ(cancel(world, id, CancelKind::kStop).error().code, Errc::kNothingToDo);
}

TEST_P(EngineRetractJobTest, CancelledWhileUploading_WhatWasCopiedIsDeletedIfAsked) {
  const JobId id = queue(world, 12 * kChunk);
  for (std::uint64_t at = 1; world.network.copied_sequences.empty(); ++at)
    ASSERT_FALSE(world.run_engine_until(at));
  ASSERT_EQ(world.job(id).state, SendState::kUploading);
  const std::uint64_t opened = world.job(id).next_batch * world.job(id).plan.batch_chunks;
  ASSERT_TRUE(cancel(world, id, CancelKind::kAndRetract));
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);
  run_all(world, 1);
  EXPECT_EQ(retraction(world, id).state, RetractState::kRetracted);
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(opened, 12); ++i)
    EXPECT_TRUE(is_tombstone(body_box(world, id, i))) << i;
  for (std::uint64_t i = opened; i < 12; ++i) EXPECT_FALSE(body_box(world, id, i)) << i;
  EXPECT_FALSE(world.box("anna", 0));
}

TEST_P(EngineRetractJobTest, CancelledAfterAnyKill_NothingOfItCanBeRead) {
  bool ended = false;
  int decided = 0;
  for (std::uint64_t at = 1; !ended; at += 2) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    prepare(one);
    const JobId id = queue(one, 5 * kChunk);
    ended = one.run_engine_until(at);
    if (one.job(id).state >= SendState::kCommitting) ++decided;
    ASSERT_TRUE(cancel(one, id, CancelKind::kAndRetract));
    ASSERT_TRUE(one.run_engine());
    one.let_pass(std::chrono::hours(1));
    post(one, 10, "next");  // couriers have run by now what they had
    for (const char* name : {"anna", "ben"}) {
      const std::optional<wire::Letter> first = one.letter(name, 0);
      EXPECT_TRUE(!first || first->id != one.job(id).transfer) << name;
    }
    for (std::uint64_t i = 0; i < 5; ++i) {
      const std::optional<Bytes> box = body_box(one, id, i);
      EXPECT_TRUE(!box || box->empty()) << "box " << i;
    }
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(decided, 5);
}

asio::awaitable<void> retract_after(SendWorld& in, JobId id, std::chrono::milliseconds time,
                                    std::optional<Status>& out) {
  co_await in.clock.sleep(time);
  out = co_await retract_send(in.ports(), id, Way::kCopy);
}
TEST_P(EngineRetractJobTest, RetractedDuringTheRun_NeverStopsTheEngine) {
  int stopped = 0;
  for (int after_ms = 0; after_ms < 30'000; after_ms += 700) {
    SCOPED_TRACE("retracted after " + std::to_string(after_ms) + " ms");
    SendWorld one;
    prepare(one);
    const JobId other = queue(one, 3 * kChunk, "other");
    const JobId id = queue(one, 10);
    std::optional<Status> retracted;
    const Result<RunSummary> summary = one.run(
        run_beside(one, retract_after(one, id, std::chrono::milliseconds(after_ms), retracted)));
    ASSERT_TRUE(summary) << summary.error().what;
    ASSERT_TRUE(retracted);
    EXPECT_EQ(one.job(other).state, SendState::kPosted) << one.job(other).error_text;
    if (!*retracted) {
      EXPECT_EQ(retracted->error().code, Errc::kRefused);
      continue;
    }
    if (one.job(id).state == SendState::kCancelled) ++stopped;
    ASSERT_TRUE(one.run_engine());
    EXPECT_EQ(retraction(one, id).state, RetractState::kRetracted);
    const std::uint64_t at = one.recipient(id).counter - one.position("anna", 0).counter();
    expect_retracted(one, id, at);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(stopped, 3);
}

// ---- what stands in the way ----

TEST_P(EngineRetractTest, PositionOfSomebodyElse_IsLeftAlone) {
  const JobId id = queue(world, 6 * kChunk);
  run_until(world, id, SendState::kCommitting);
  world.network.put(world.write_cap("ben"), world.position("ben", 0), as_bytes("other"));
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 1);
  EXPECT_TRUE(is_tombstone(world.box("anna", 0)));
  EXPECT_EQ(*world.box("ben", 0), to_bytes(as_bytes("other")));
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kConflict);
}

TEST_P(EngineRetractTest, ReplicaThatLags_IsReadUntilItAgrees) {
  const JobId id = post(world, 10);
  const Bytes letter = world.recipient(id).letter;
  int stale = 5;
  world.network.on_read = [&](const IndexBytes&) -> std::optional<ports::ReadResult> {
    if (stale-- % 2 != 1 || stale < 0) return std::nullopt;
    return ports::ReadResult{Outcome::kOk, letter, ""};
  };
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 1);
  expect_retracted(world, id);
  EXPECT_GE(world.network.tombstones, 3U);
}

TEST_P(EngineRetractTest, LetterThatStays_FailsAloneAndCanBeTriedAgain) {
  const JobId id = post(world, 6 * kChunk);
  const IndexBytes stubborn = world.recipient(id, 0).position;
  const Bytes letter = world.recipient(id).letter;
  world.network.on_read = [&](const IndexBytes& index) -> std::optional<ports::ReadResult> {
    if (index != stubborn) return std::nullopt;
    return ports::ReadResult{Outcome::kOk, letter, ""};
  };
  world.network.audit.letters_may_stay = true;
  ASSERT_TRUE(retract(world, id, GetParam()));
  const JobId other = queue(world, 10, "other");
  run_all(world, 1, 1);
  EXPECT_EQ(world.job(other).state, SendState::kPosted);
  EXPECT_EQ(retraction(world, id).state, RetractState::kFailed);
  EXPECT_NE(retraction(world, id).error_text.find("still shows"), std::string::npos);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kPosted);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kRetracted);
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_TRUE(is_tombstone(body_box(world, id, i))) << i;
  world.network.on_read = nullptr;
  run_all(world, 0);  // not by itself
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 1);
  expect_retracted(world, id);
}

TEST_P(EngineRetractTest, TombstonesAreRefused_FailsAndBeginsAgainWhereItWas) {
  const JobId id = post(world, 12 * kChunk);
  world.network.on_copy = [&](const CourierRow&) -> std::optional<ports::CopyResult> {
    if (retraction(world, id).next_box < 8) return std::nullopt;  // before the second batch
    return ports::CopyResult{ports::CopyResult::Kind::kRejected, 0, 0};
  };
  int written = 0;
  world.network.on_tombstone = [&](const IndexBytes&) -> std::optional<ModelNetwork::WriteFault> {
    if (++written != 8) return std::nullopt;
    return ModelNetwork::WriteFault{false, Outcome::kRejected};
  };
  world.options.active_batches = 1;
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 0, 1);
  EXPECT_EQ(retraction(world, id).state, RetractState::kFailed);
  EXPECT_EQ(retraction(world, id).next_box, 4U);
  EXPECT_TRUE(world.store->batches(id)->empty());
  world.network.on_copy = nullptr;
  world.network.audit.look();  // while it says so: a batch was dropped that is not done
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 1);
  expect_retracted(world, id);
}

TEST_P(EngineRetractTest, TransientOutcomes_AreRepeated) {
  const JobId id = post(world, 6 * kChunk);
  int faults = 0;
  world.network.on_tombstone = [&](const IndexBytes&) -> std::optional<ModelNetwork::WriteFault> {
    constexpr std::array kOutcomes{Outcome::kRetry, Outcome::kReencrypt, Outcome::kStorageFull};
    if (faults >= 3) return std::nullopt;
    return ModelNetwork::WriteFault{false, kOutcomes[static_cast<std::size_t>(faults++)]};
  };
  int failed = 0;
  world.network.on_copy = [&](const CourierRow&) -> std::optional<ports::CopyResult> {
    constexpr std::array kCodes{1, 9, 11, 8};
    if (failed >= 4) return std::nullopt;
    return ports::CopyResult{ports::CopyResult::Kind::kFailed,
                             static_cast<std::uint8_t>(kCodes[static_cast<std::size_t>(failed++)]),
                             1};
  };
  ASSERT_TRUE(retract(world, id, GetParam()));
  run_all(world, 1);
  expect_retracted(world, id);
  EXPECT_EQ(GetParam() == Way::kCopy ? failed : faults, GetParam() == Way::kCopy ? 4 : 3);
}

// ---- what expires ----

TEST_P(EngineRetractTest, ExpiredTransfer_IsRetractedByTheNextRun) {
  SendRequest request;
  request.sources = {world.file("file", SendWorld::pattern(6 * kChunk))};
  request.to = {"anna", "ben"};
  request.transport = GetParam();
  request.expire = 3'600;
  const Result<JobId> queued = world.run(enqueue_send(world.ports(), request));
  ASSERT_TRUE(queued);
  const JobId id = *queued;
  run_all(world, 1);
  const JobId other = post(world, 10, "never expires");
  world.let_pass(std::chrono::minutes(50));
  run_all(world, 0);
  EXPECT_FALSE(world.store->retract_job(id)->has_value());
  world.let_pass(std::chrono::minutes(11));
  run_all(world, 1);
  expect_retracted(world, id);
  EXPECT_EQ(retraction(world, id).direct, GetParam() == Way::kDirect);
  EXPECT_FALSE(world.store->retract_job(other)->has_value());
  run_all(world, 0);
}

// A long upload keeps the engine at work.
TEST_P(EngineRetractTest, TransferThatExpiresWhileOthersRun_IsRetractedInTime) {
  SendRequest request;
  request.sources = {world.file("short", SendWorld::pattern(6 * kChunk))};
  request.to = {"anna", "ben"};
  request.transport = GetParam();
  request.expire = 60;
  request.priority = 1;
  const Result<JobId> queued = world.run(enqueue_send(world.ports(), request));
  ASSERT_TRUE(queued);
  const JobId id = *queued, other = queue(world, 400 * kChunk, "long");
  run_all(world, 3);
  expect_retracted(world, id);
  EXPECT_LT(retraction(world, id).finished, world.job(other).finished);
  EXPECT_GE(retraction(world, id).created, world.job(id).sent + 60);
}

// ---- what is refused ----

TEST_P(EngineRetractJobTest, NothingToRetract_IsSaid) {
  const JobId id = queue(world, 6 * kChunk);
  EXPECT_EQ(retract(world, id).error().code, Errc::kRefused);
  ASSERT_TRUE(cancel(world, id, CancelKind::kAndRetract));  // nothing was copied
  EXPECT_FALSE(world.store->retract_job(id)->has_value());
  EXPECT_EQ(retract(world, id).error().code, Errc::kNothingToDo);
  EXPECT_EQ(retract(world, JobId{9}).error().code, Errc::kNotFound);
  const JobId posted = post(world, 10, "posted");
  ASSERT_TRUE(retract(world, posted));
  EXPECT_EQ(retract(world, posted).error().code, Errc::kNothingToDo);
  run_all(world, 1);
  EXPECT_EQ(retract(world, posted).error().code, Errc::kNothingToDo);
}

TEST_P(EngineRetractJobTest, RetractedTransfer_GetsNoMoreLetters) {
  world.channel("carla");
  const JobId id = post(world, 6 * kChunk);
  ASSERT_TRUE(retract(world, id));
  const auto share = [&] {
    return world.run(share_send(world.ports(), id, {"carla"})).error().code;
  };
  EXPECT_EQ(share(), Errc::kRefused);
  run_all(world, 1);
  EXPECT_EQ(share(), Errc::kRefused);
  EXPECT_EQ(world.run(retry_send(world.ports(), id)).error().code, Errc::kNothingToDo);
}

TEST_P(EngineRetractJobTest, FailedJob_WhatItHasReachedIsDeleted) {
  // Ben's channel belongs to somebody else by now: the job is posted in part.
  for (std::uint64_t i = 0; i < 40; ++i)
    world.network.put(world.write_cap("ben"), world.position("ben", i), as_bytes("other"));
  const JobId id = queue(world, 6 * kChunk);
  run_all(world, 0, 1);
  ASSERT_TRUE(retract(world, id));
  run_all(world, 1);
  EXPECT_TRUE(is_tombstone(world.box("anna", 0)));
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kRetracted);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kFailed);
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);  // and can't be tried again
  for (std::uint64_t i = 0; i < 40; ++i)
    EXPECT_EQ(*world.box("ben", i), to_bytes(as_bytes("other"))) << i;
  for (std::uint64_t i = 0; i < 6; ++i) EXPECT_TRUE(is_tombstone(body_box(world, id, i))) << i;
}

}  // namespace
}  // namespace taubenpost
