// One more letter for a posted transfer: who may get one, what it says, and killed at every step.
#include <gtest/gtest.h>

#include "engine/end_send.h"
#include "engine/retry_send.h"
#include "engine/share_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kChunk = SendWorld::kChunk;

Status share(SendWorld& in, JobId id, std::vector<std::string> to) {
  return in.run(share_send(in.ports(), id, std::move(to)));
}
asio::awaitable<Status> share_and_run(SendWorld& in, JobId id, std::vector<std::string> to) {
  Status shared = co_await share_send(in.ports(), id, std::move(to));
  if (!shared) co_return shared.error();
  co_return co_await run_in(in);
}
void expect_refused(const Status& status, Errc code, const std::string& what) {
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, code);
  EXPECT_NE(status.error().what.find(what), std::string::npos) << status.error().what;
  if (code == Errc::kRefused) {
    EXPECT_FALSE(status.error().hint.empty());
  }
}

class EngineShareTest : public testing::Test {
 protected:
  EngineShareTest() { channels(world); }
  static void channels(SendWorld& in) {
    for (const char* name : {"anna", "ben", "carl"}) in.channel(name);
  }
  static JobId post(SendWorld& in, std::size_t size) {
    const JobId id = in.queue_bytes("file", size, {"anna"});
    run_all(in, 1);
    return id;
  }

  SendWorld world;
};

TEST_F(EngineShareTest, PostedTransfer_GetsOneMoreLetterAndNothingElse) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, 6 * kChunk}) {
    SCOPED_TRACE(std::to_string(size) + " bytes");
    SendWorld one;
    channels(one);
    const JobId id = post(one, size);
    const SendJobRow before = one.job(id);
    const RecipientRow anna = one.recipient(id, 0);
    one.network.lose(one.write_cap("anna").read_cap(), one.position("anna", 0));
    one.let_pass(std::chrono::hours(5));
    const std::uint64_t builds = one.network.builds, now = one.clock.unix_ms() / 1000;
    ASSERT_TRUE(share(one, id, {"ben"}));
    EXPECT_EQ(one.job(id).state, SendState::kCommitting);
    EXPECT_TRUE(one.noted(id, "shared"));
    run_all(one, 1);
    expect_letter(one, id, "ben", 0, size);
    EXPECT_EQ(one.letter("ben", 0)->sent, now);
    EXPECT_EQ(one.network.builds, builds + 1) << "the content is sent again";
    EXPECT_FALSE(one.box("anna", 0)) << "the first letter is written again";
    EXPECT_EQ(one.recipient(id, 0), anna);
    const SendJobRow after = one.job(id);
    EXPECT_EQ(after.state, SendState::kPosted);
    EXPECT_EQ(after.sent, before.sent);
    EXPECT_EQ(after.until, before.until);
    EXPECT_EQ(after.recipients, 2U);
    EXPECT_GT(after.finished, before.finished);
    EXPECT_TRUE(one.store->batches(id)->empty());
  }
}

TEST_F(EngineShareTest, SharedAgainAndWithSeveral_EachGetsOneLetter) {
  const JobId id = post(world, 6 * kChunk);
  world.channel("dora");
  ASSERT_TRUE(share(world, id, {"carl", "ben"}));
  run_all(world, 1);
  ASSERT_TRUE(share(world, id, {"dora"}));
  run_all(world, 1);
  for (const char* name : {"anna", "ben", "carl", "dora"})
    expect_letter(world, id, name, 0, 6 * kChunk);
  EXPECT_EQ(world.recipient(id, 1).channel_name, "carl");
  EXPECT_EQ(world.recipient(id, 3).channel_name, "dora");
}

TEST_F(EngineShareTest, WhatIsNotPosted_IsRefused) {
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  for (const SendState state :
       {SendState::kQueued, SendState::kUploading, SendState::kCommitting}) {
    run_until(world, id, state);
    const SendJobRow before = world.job(id);
    expect_refused(share(world, id, {"ben"}), Errc::kRefused, "not posted yet");
    EXPECT_EQ(world.job(id), before);
  }
  const JobId stopped = world.queue_bytes("stopped", 10, {"anna"});
  ASSERT_TRUE(world.run(cancel_send(world.ports(), stopped)));
  expect_refused(share(world, stopped, {"ben"}), Errc::kRefused, "cancelled");
  const JobId failed = world.queue_bytes("changed", 10, {"anna"});
  world.file("changed", SendWorld::pattern(11));
  run_all(world, 1, 1);
  expect_refused(share(world, failed, {"ben"}), Errc::kRefused, "failed");
  EXPECT_FALSE(world.box("ben", 0));
}

TEST_F(EngineShareTest, RecipientsThatCanNotBe_AreRefusedAndNobodyIsAdded) {
  const JobId id = post(world, 10);
  const SendJobRow before = world.job(id);
  const Result<Invitation> own = world.run(new_channel(world.ports(), "other"));
  ASSERT_TRUE(own);
  ASSERT_TRUE(world.run(import_channel(world.ports(), "from other", *own)));
  expect_refused(share(world, id, {"ben", "anna"}), Errc::kRefused, "anna");
  expect_refused(share(world, id, {"ben", "from other"}), Errc::kUsage, "receiving");
  expect_refused(share(world, id, {"ben", "ben"}), Errc::kUsage, "twice");
  expect_refused(share(world, id, {"ben", "nobody"}), Errc::kNotFound, "nobody");
  expect_refused(share(world, id, {}), Errc::kUsage, "no recipient");
  EXPECT_EQ(world.job(id), before);
  EXPECT_EQ(world.store->recipients(id)->size(), 1U);
  EXPECT_EQ(find_channel(*world.store, "ben")->next, world.position("ben", 0).bytes());
}

TEST_F(EngineShareTest, ContentThatAgesOut_IsNoLongerShared) {
  const JobId id = post(world, 6 * kChunk);
  const std::uint64_t left = world.job(id).until - world.clock.unix_ms() / 1000;
  world.let_pass(std::chrono::seconds(left - 3600 - 60));
  ASSERT_TRUE(share(world, id, {"ben"}));
  run_all(world, 1);
  expect_letter(world, id, "ben", 0, 6 * kChunk);
  world.let_pass(std::chrono::seconds(60));
  expect_refused(share(world, id, {"carl"}), Errc::kRefused, "ages out");
}

TEST_F(EngineShareTest, PositionTaken_IsAConflictAndTheNextOneIsUsed) {
  const JobId id = post(world, 10);
  world.network.put(world.write_cap("ben"), world.position("ben", 0), as_bytes("not ours"));
  ASSERT_TRUE(share(world, id, {"ben", "carl"}));
  run_all(world, 1);
  expect_letter(world, id, "ben", 1, 10);
  expect_letter(world, id, "carl", 0, 10);
}

TEST_F(EngineShareTest, ShareThatFails_LeavesTheOthersPostedAndCanBeTriedAgain) {
  const JobId id = post(world, 6 * kChunk);
  world.network.put(world.write_cap("ben"), world.position("ben", 0), {});
  ASSERT_TRUE(share(world, id, {"ben", "carl"}));
  run_all(world, 0, 1);
  EXPECT_EQ(world.recipient(id, 0).state, RecipientState::kPosted);
  EXPECT_EQ(world.recipient(id, 1).state, RecipientState::kFailed);
  EXPECT_EQ(world.recipient(id, 2).state, RecipientState::kPosted);
  ASSERT_TRUE(world.run(retry_send(world.ports(), id)));
  run_all(world, 1);
  expect_letter(world, id, "anna", 0, 6 * kChunk);
  expect_letter(world, id, "ben", 1, 6 * kChunk);
  expect_letter(world, id, "carl", 0, 6 * kChunk);
}

TEST_F(EngineShareTest, KilledAtAnyStep_PostsTheSameLetterOnce) {
  bool ended = false;
  for (std::uint64_t at = 1; !ended; ++at) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    channels(one);
    const JobId id = post(one, 3 * kChunk);
    ended = one.run_until([&] { return share_and_run(one, id, {"ben", "carl"}); }, at);
    if (one.job(id).recipients == 1) {
      ASSERT_TRUE(share(one, id, {"ben", "carl"}));
    }
    const Bytes decided = one.recipient(id, 2).letter;
    one.let_pass(std::chrono::hours(1));
    ASSERT_TRUE(one.run_engine());
    EXPECT_EQ(one.job(id).state, SendState::kPosted) << one.job(id).error_text;
    EXPECT_EQ(one.store->recipients(id)->size(), 3U);
    for (const char* name : {"anna", "ben", "carl"}) expect_letter(one, id, name, 0, 3 * kChunk);
    EXPECT_EQ(*one.box("carl", 0), decided);
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace taubenpost
