// A store that was put back from a backup: nothing goes out until its channels are synchronised,
// no position is used twice, and what was posted since is not posted again.
#include <gtest/gtest.h>

#include "engine/end_send.h"
#include "engine/held.h"
#include "engine/retract_send.h"
#include "engine/share_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineRestoreTest : public testing::Test {
 protected:
  static Result<ResyncSummary> resync(SendWorld& in, const std::string& name,
                                      std::optional<std::uint64_t> at = std::nullopt) {
    return in.run(resync_channel(in.ports(), name, at));
  }
  static std::uint64_t must_resync(SendWorld& in, const std::string& name, std::uint64_t used,
                                   std::uint64_t posted) {
    const Result<ResyncSummary> done = resync(in, name);
    EXPECT_TRUE(done) << done.error().what;
    if (!done) return 0;
    EXPECT_EQ(done->used, used);
    EXPECT_EQ(done->posted, posted);
    EXPECT_EQ(find_channel(*in.store, name)->counter, done->position);
    return done->position - in.write_cap(name).index().counter();
  }
  static std::string held(const SendWorld& in, JobId id) {
    return *held_reason(*in.store, in.job(id));
  }
  // How many of the first positions hold a letter of the transfer, whole with its content.
  static int letters_of(const SendWorld& in, const std::string& channel, const TransferId& transfer,
                        std::size_t size) {
    int found = 0;
    for (std::uint64_t i = 0; i < 12; ++i) {
      const std::optional<wire::Letter> letter = in.letter(channel, i);
      if (!letter || letter->id != transfer) continue;
      ++found;
      EXPECT_TRUE(in.content(*letter) == SendWorld::pattern(size)) << "at position " << i;
    }
    return found;
  }

  SendWorld world{StoreKind::kRocks};
};

TEST_F(EngineRestoreTest, RestoredStore_SendsNothingUntilItsChannelIsSynchronised) {
  world.channel("anna");
  world.channel("bert");
  const JobId id = world.queue_bytes("file", 5 * kChunk, {"anna", "bert"});
  world.back_up();
  EXPECT_EQ(held(world, id), "");
  world.restore();
  EXPECT_EQ(held(world, id), "restored store: channel anna is not synchronised");
  world.network.gone = true;  // nobody is asked
  run_all(world, 0);
  const JobId younger = world.queue_bytes("younger", 10, {"bert"});
  run_all(world, 0);
  EXPECT_EQ(held(world, younger), "restored store: channel bert is not synchronised");
  world.network.gone = false;
  EXPECT_EQ(must_resync(world, "bert", 0, 0), 1U);
  EXPECT_EQ(resync(world, "bert").error().code, Errc::kNothingToDo);
  run_all(world, 1);
  EXPECT_EQ(world.job(younger).state, SendState::kPosted);
  EXPECT_EQ(world.job(id).state, SendState::kQueued) << "anna's channel may be anywhere";
  EXPECT_EQ(must_resync(world, "anna", 0, 0), 1U);
  run_all(world, 1);
  EXPECT_EQ(world.job(id).state, SendState::kPosted) << world.job(id).error_text;
  EXPECT_FALSE(world.box("anna", 0)) << "the skipped position";
}

TEST_F(EngineRestoreTest, LettersSinceTheBackup_AreSteppedOver) {
  world.channel("anna");
  world.queue_bytes("known", 10, {"anna"});
  run_all(world, 1);
  world.back_up();
  std::vector<std::optional<Bytes>> boxes;
  for (const char* name : {"one", "two", "three"}) world.queue_bytes(name, 10, {"anna"});
  run_all(world, 3);
  for (std::uint64_t i = 0; i < 4; ++i) boxes.push_back(world.box("anna", i));
  world.restore();
  EXPECT_EQ(must_resync(world, "anna", 3, 0), 5U);
  const JobId id = world.queue_bytes("new", 10, {"anna"});
  run_all(world, 1);
  EXPECT_EQ(letters_of(world, "anna", world.job(id).transfer, 10), 1);
  EXPECT_TRUE(world.letter("anna", 5));
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(world.box("anna", i), boxes[i]);
}

TEST_F(EngineRestoreTest, GapsAndRetractedLetters_AreSteppedOverUpToSixteenMisses) {
  world.channel("anna");
  world.back_up();
  const bacap::WriteCap cap = world.write_cap("anna");
  world.network.put(cap, world.position("anna", 15), {});  // a tombstone
  world.network.put(cap, world.position("anna", 31), as_bytes("no letter"));
  world.network.put(cap, world.position("anna", 48), as_bytes("beyond sixteen misses"));
  world.restore();
  EXPECT_EQ(must_resync(world, "anna", 2, 0), 33U);
}

TEST_F(EngineRestoreTest, BoxThatOnlyALateReadFinds_CountsAsUsed) {
  world.channel("anna");
  world.back_up();
  world.queue_bytes("since", 10, {"anna"});
  run_all(world, 1);
  world.restore();
  const std::uint64_t from = world.clock.monotonic_ms();
  world.network.on_read = [&](const IndexBytes&) -> std::optional<ports::ReadResult> {
    if (world.clock.monotonic_ms() - from > 30'000) return std::nullopt;
    return ports::ReadResult{ports::Outcome::kNotFound, {}, "a lagging shard"};
  };
  EXPECT_EQ(must_resync(world, "anna", 1, 0), 2U);
}

TEST_F(EngineRestoreTest, PostedSinceTheBackup_IsRecordedAndNotSentAgain) {
  world.channel("anna");
  world.channel("bert");
  const JobId id = world.queue_bytes("file", 5 * kChunk, {"anna", "bert"});
  world.back_up();
  run_all(world, 1);
  world.restore();
  EXPECT_EQ(must_resync(world, "anna", 1, 1), 2U);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kPosted);
  EXPECT_EQ(world.job(id).state, SendState::kQueued);
  const std::uint64_t writes = world.network.writes;
  EXPECT_EQ(must_resync(world, "bert", 1, 1), 2U);
  EXPECT_EQ(world.job(id).state, SendState::kPosted);
  EXPECT_TRUE(world.noted(id, "found posted at position"));
  run_all(world, 0);
  EXPECT_EQ(world.network.writes, writes);
  EXPECT_TRUE(world.files->spools()->empty());
  EXPECT_EQ(letters_of(world, "anna", world.job(id).transfer, 5 * kChunk), 1);
}

TEST_F(EngineRestoreTest, PostedToOneOfTwo_IsSentToTheOther) {
  world.channel("anna");
  world.channel("bert");
  const JobId id = world.queue_bytes("file", 5 * kChunk, {"anna", "bert"});
  world.back_up();
  run_all(world, 1);
  world.network.lose(world.write_cap("bert").read_cap(), world.position("bert", 0));
  world.restore();
  must_resync(world, "anna", 1, 1);
  EXPECT_EQ(must_resync(world, "bert", 0, 0), 1U);
  run_all(world, 1);
  EXPECT_EQ(world.job(id).state, SendState::kPosted) << world.job(id).error_text;
  const TransferId transfer = world.job(id).transfer;
  EXPECT_EQ(letters_of(world, "anna", transfer, 5 * kChunk), 1);
  EXPECT_EQ(letters_of(world, "bert", transfer, 5 * kChunk), 1);
}

// Before the decision of the restored store; the original has decided, and its letter is found.
TEST_F(EngineRestoreTest, CancelledAfterALetterWasFound_ThatLetterIsRetracted) {
  for (const bool by_retract : {false, true}) {
    SCOPED_TRACE(by_retract ? "retract" : "cancel");
    SendWorld one{StoreKind::kRocks};
    one.channel("anna");
    one.channel("bert");
    const JobId id = one.queue_bytes("file", 5 * kChunk, {"anna", "bert"});
    run_until(one, id, SendState::kUploading);
    one.back_up();
    run_all(one, 1);
    one.network.lose(one.write_cap("bert").read_cap(), one.position("bert", 0));
    one.restore();
    must_resync(one, "anna", 1, 1);
    must_resync(one, "bert", 0, 0);
    ASSERT_EQ(one.job(id).state, SendState::kUploading);
    const Status asked = one.run(by_retract ? retract_send(one.ports(), id, Way::kCopy)
                                            : cancel_send(one.ports(), id));
    ASSERT_TRUE(asked) << asked.error().what;
    EXPECT_EQ(one.job(id).state, SendState::kCancelled);
    const std::optional<RetractJobRow> retraction = one.store->retract_job(id).value();
    ASSERT_TRUE(retraction);
    EXPECT_EQ(retraction->boxes, one.job(id).plan.boxes);
    EXPECT_EQ(retraction->may_have_seen, (std::vector<std::uint64_t>{0}));
    run_all(one, 1);
    const std::optional<Bytes> box = one.box("anna", 0);
    EXPECT_TRUE(box && box->empty()) << "the letter can still be found";
    EXPECT_EQ(one.recipient(id, 0).state, RecipientState::kRetracted);
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(EngineRestoreTest, RetractBeforeTheResync_IsRefused) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 10, {"anna"});
  run_until(world, id, SendState::kCommitting);
  world.back_up();
  world.restore();
  const Status retracted = world.run(retract_send(world.ports(), id, Way::kCopy));
  ASSERT_FALSE(retracted);
  EXPECT_EQ(retracted.error().code, Errc::kRefused);
  EXPECT_NE(retracted.error().hint.find("resync"), std::string::npos);
  EXPECT_EQ(world.run(cancel_send(world.ports(), id)).error().code, Errc::kRefused);
  must_resync(world, "anna", 0, 0);
  EXPECT_TRUE(world.run(cancel_send(world.ports(), id)));
}

TEST_F(EngineRestoreTest, ShareThroughSuchAChannel_SaysWhichResyncItNeeds) {
  world.channel("anna");
  world.channel("bert");
  const JobId id = world.queue_bytes("file", 10, {"anna"});
  run_all(world, 1);
  world.back_up();
  world.restore();
  const Status shared = world.run(share_send(world.ports(), id, {"bert"}));
  ASSERT_FALSE(shared);
  EXPECT_EQ(shared.error().code, Errc::kRefused);
  EXPECT_NE(shared.error().hint.find("resync bert"), std::string::npos) << shared.error().hint;
  EXPECT_EQ(world.job(id).recipients, 1U);
}

// The backup is of any step, and so is the end of the original: the letter is there once.
TEST_F(EngineRestoreTest, BackupOfAnyStep_LeadsToOneLetter) {
  constexpr std::size_t kSize = 5 * kChunk;
  int found = 0, sent = 0;
  for (std::uint64_t backup_at = 1;; backup_at += 17) {
    bool whole = false;
    for (const std::uint64_t more : {std::uint64_t{25}, std::uint64_t{0}}) {
      SCOPED_TRACE("backup at step " + std::to_string(backup_at) + ", lost after " +
                   std::to_string(more) + " more (0: at the end)");
      SendWorld one{StoreKind::kRocks};
      one.channel("anna");
      one.channel("bert");
      const JobId id = one.queue_bytes("file", kSize, {"anna", "bert"});
      whole = one.run_engine_until(backup_at);
      one.back_up();
      one.run_engine_until(more);
      one.restore();
      const auto anna = resync(one, "anna");
      const auto bert = resync(one, "bert");
      ASSERT_TRUE(anna && bert);
      ++(anna->posted + bert->posted > 0 ? found : sent);
      ASSERT_TRUE(one.run_engine());
      EXPECT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
      EXPECT_EQ(letters_of(one, "anna", one.job(id).transfer, kSize), 1);
      EXPECT_EQ(letters_of(one, "bert", one.job(id).transfer, kSize), 1);
      ASSERT_FALSE(HasFailure());
    }
    if (whole) break;
  }
  EXPECT_GT(found, 2);
  EXPECT_GT(sent, 2);
}

TEST_F(EngineRestoreTest, ResyncKilledAtAnyStep_IsDoneWhollyOrNotAtAll) {
  std::uint64_t all = 1;  // steps of a resync; its commit is among the last ones
  for (int before_end = 5; before_end >= 0; --before_end) {
    SendWorld one{StoreKind::kRocks};
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 10, {"anna"});
    one.back_up();
    one.queue_bytes("since", 10, {"anna"});
    ASSERT_TRUE(one.run_engine());
    one.restore();
    if (before_end == 5) {
      one.back_up();
      ASSERT_TRUE(resync(one, "anna"));
      all = one.steps();
      ASSERT_GT(all, 40U);
      one.restore();
    }
    const std::uint64_t at = before_end == 5 ? all / 2 : all + 1 - before_end;
    SCOPED_TRACE("killed at step " + std::to_string(at) + " of " + std::to_string(all));
    EXPECT_EQ(one.resync_until("anna", at), before_end == 0);
    const bool done = !find_channel(*one.store, "anna")->unsynchronised;
    EXPECT_EQ(one.job(id).state, done ? SendState::kPosted : SendState::kQueued);
    if (done) {
      EXPECT_EQ(resync(one, "anna").error().code, Errc::kNothingToDo);
    } else {
      EXPECT_EQ(must_resync(one, "anna", 2, 1), 3U);
    }
    const JobId next = one.queue_bytes("next", 10, {"anna"});
    run_all(one, 1);
    EXPECT_EQ(letters_of(one, "anna", one.job(id).transfer, 10), 1);
    EXPECT_EQ(letters_of(one, "anna", one.job(next).transfer, 10), 1);
    EXPECT_TRUE(one.letter("anna", 3));
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(EngineRestoreTest, StoreOlderThanAnEpoch_WantsTheRecipientsPosition) {
  world.channel("anna");
  world.back_up();
  const std::uint64_t first = world.write_cap("anna").index().counter();
  world.restore();
  world.let_pass(std::chrono::hours(24 * 8));
  // What is done to the restored store says nothing about the age of the backup.
  const JobId early = world.queue_bytes("early", 10, {"anna"});
  ASSERT_TRUE(world.run(cancel_send(world.ports(), early)));
  const Result<ResyncSummary> refused = resync(world, "anna");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_NE(refused.error().hint.find("--at"), std::string::npos);
  EXPECT_EQ(resync(world, "anna", first + (1U << 21)).error().code, Errc::kUsage);
  EXPECT_TRUE(find_channel(*world.store, "anna")->unsynchronised);
  const Result<ResyncSummary> done = resync(world, "anna", first + 7);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->position, first + 8);
  const JobId id = world.queue_bytes("file", 10, {"anna"});
  run_all(world, 1);
  EXPECT_EQ(world.recipient(id).counter, first + 8);
  EXPECT_TRUE(world.letter("anna", 8));
}

TEST_F(EngineRestoreTest, ResyncOfWhatNeedsNone_IsSaid) {
  world.channel("anna");
  EXPECT_EQ(resync(world, "anna").error().code, Errc::kNothingToDo);
  EXPECT_EQ(resync(world, "nobody").error().code, Errc::kNotFound);
  world.back_up();
  world.restore();
  world.network.gone = true;
  EXPECT_EQ(resync(world, "anna").error().code, Errc::kDaemonGone);
  EXPECT_TRUE(find_channel(*world.store, "anna")->unsynchronised);
}

}  // namespace
}  // namespace taubenpost
