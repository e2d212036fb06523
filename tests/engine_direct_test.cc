// What a user can choose about how a job uses the network: its window, and boxes that are written
// straight instead of by a courier's copy.
#include <gtest/gtest.h>

#include "engine/retract_send.h"
#include "engine/retry_send.h"
#include "engine/share_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineDirectTest : public testing::Test {
 protected:
  static JobId queue(SendWorld& in, std::size_t size, std::vector<std::string> to,
                     SendRequest request) {
    request.sources = {in.file("file", SendWorld::pattern(size))};
    request.to = std::move(to);
    const Result<JobId> id = in.run(enqueue_send(in.ports(), std::move(request)));
    TP_CHECK(id);
    return *id;
  }
  static SendRequest direct() {
    SendRequest request;
    request.transport = request.commit = Way::kDirect;
    return request;
  }
  static void expect_posted(SendWorld& in, JobId id, const std::string& channel,
                            std::uint64_t number, std::size_t size) {
    EXPECT_EQ(in.job(id).state, SendState::kPosted) << in.job(id).error_text;
    EXPECT_TRUE(in.store->batches(id)->empty());
    expect_letter(in, id, channel, number, size);
  }

  SendWorld world;
};

// ---- the window ----

TEST_F(EngineDirectTest, Window_BoundsTheWritesUnderWay) {
  world.channel("anna");
  world.options.write_window = 8;
  world.options.slice_chunks = world.options.batch_chunks = 8;
  for (const std::uint32_t window : {0U, 1U, 3U}) {
    world.network.most_writing = 0;
    SendRequest request;
    request.window = window;
    const JobId id = queue(world, 32 * kChunk, {"anna"}, request);
    run_all(world, 1);
    expect_posted(world, id, "anna",
                  world.recipient(id).counter - world.position("anna", 0).counter(), 32 * kChunk);
    EXPECT_EQ(world.network.most_writing, window == 0 ? 8 : window);
    EXPECT_EQ(world.job(id).window, window);
  }
}

TEST_F(EngineDirectTest, WindowOfADirectJob_BoundsItsWrites) {
  world.channel("anna");
  SendRequest request = direct();
  request.window = 1;
  const JobId id = queue(world, 9 * kChunk, {"anna"}, request);
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 9 * kChunk);
  EXPECT_EQ(world.network.most_writing, 1U);
}

TEST_F(EngineDirectTest, ImpossibleWindow_IsRefused) {
  world.channel("anna");
  SendRequest request;
  request.sources = {world.file("file", Bytes(1))};
  request.to = {"anna"};
  request.window = 17;
  const Result<JobId> id = world.run(enqueue_send(world.ports(), request));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Errc::kUsage);
  EXPECT_TRUE(world.store->send_jobs()->empty());
}

// ---- the body, written straight ----

TEST_F(EngineDirectTest, AnySize_ArrivesByteForByteWithoutACopy) {
  world.channel("anna");
  std::uint64_t number = 0, boxes = 0;
  for (const std::size_t size : {kChunk, kChunk + 1, 4 * kChunk, 17 * kChunk - 5}) {
    const JobId id = queue(world, size, {"anna"}, direct());
    run_all(world, 1);
    expect_posted(world, id, "anna", number++, size);
    boxes += world.job(id).plan.boxes;
  }
  EXPECT_EQ(boxes, 1U + 2 + 4 + 17);
  EXPECT_EQ(world.network.builds, 0U);
  EXPECT_TRUE(world.network.copies.empty());
  EXPECT_EQ(world.network.writes, boxes + number) << "each box once, and each letter once";
  EXPECT_EQ(world.network.confirmed_writes, world.network.writes);
}

TEST_F(EngineDirectTest, ContentThatFitsIntoTheLetter_NeedsOneWrite) {
  world.channel("anna");
  const JobId id = queue(world, 100, {"anna"}, direct());
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 100);
  EXPECT_EQ(world.network.writes, 1U);
}

TEST_F(EngineDirectTest, OneWayForTheBodyAndAnotherForTheLetters) {
  for (const char* name : {"anna", "ben"}) world.channel(name);
  SendRequest request;
  request.transport = Way::kDirect;
  const JobId body = queue(world, 6 * kChunk, {"anna", "ben"}, request);
  run_all(world, 1);
  expect_posted(world, body, "ben", 0, 6 * kChunk);
  EXPECT_EQ(world.network.copies.size(), 1U) << "of the letters";
  request.transport = Way::kCopy;
  request.commit = Way::kDirect;
  const std::uint64_t confirmed = world.network.confirmed_writes;
  const JobId letters = queue(world, 6 * kChunk, {"anna", "ben"}, request);
  run_all(world, 1);
  expect_posted(world, letters, "anna", 1, 6 * kChunk);
  EXPECT_EQ(world.network.confirmed_writes, confirmed + 2);
}

TEST_F(EngineDirectTest, KilledAtEveryStep_EndsWithTheSameBytesAndOneLetterEach) {
  constexpr std::size_t kSize = 7 * kChunk + 3;
  for (std::uint64_t kill_at = 1;; ++kill_at) {
    SCOPED_TRACE("killed at step " + std::to_string(kill_at));
    SendWorld one;
    for (const char* name : {"anna", "ben"}) one.channel(name);
    const JobId id = queue(one, kSize, {"anna", "ben"}, direct());
    const bool ended = one.run_engine_until(kill_at);
    if (!ended) run_all(one, one.job(id).state == SendState::kPosted ? 0 : 1);
    for (const char* name : {"anna", "ben"}) {
      expect_posted(one, id, name, 0, kSize);
      EXPECT_FALSE(one.box(name, 1));
    }
    if (ended || HasFailure()) {
      EXPECT_GT(kill_at, 30U);
      return;
    }
  }
}

TEST_F(EngineDirectTest, ConfirmedChunks_AreNotWrittenAgain) {
  world.channel("anna");
  world.options.slice_chunks = 8;
  world.options.batch_chunks = 64;
  const JobId id = queue(world, 600 * kChunk, {"anna"}, direct());
  for (std::uint64_t at = 1; world.network.writes < 60; ++at)
    ASSERT_FALSE(world.run_engine_until(at * 40));
  const std::uint64_t before = world.network.writes;
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 600 * kChunk);
  EXPECT_LE(world.network.writes, 601 + before);
  EXPECT_LT(world.network.writes - before, 601U) << "what was confirmed was written again";
}

// A replica that has the box already, from a run whose answer was lost.
TEST_F(EngineDirectTest, TakenByUs_IsDone) {
  world.channel("anna");
  world.network.on_write = [](const ModelNetwork::WriteCall& call) {
    return call.number == 3 ? std::optional(ModelNetwork::WriteFault{true, ports::Outcome::kTaken})
                            : std::nullopt;
  };
  const JobId id = queue(world, 5 * kChunk, {"anna"}, direct());
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 5 * kChunk);
}

TEST_F(EngineDirectTest, TakenBySomethingElse_FailsTheJob) {
  world.channel("anna");
  bool is_foreign = false;
  JobId id{};
  world.network.on_write =
      [&](const ModelNetwork::WriteCall&) -> std::optional<ModelNetwork::WriteFault> {
    if (is_foreign) return std::nullopt;
    is_foreign = true;
    const bacap::WriteCap body = bacap::WriteCap::from_seed(world.job(id).plan.body_seed);
    world.network.put(body, *body.index().next(), as_bytes("somebody else's"));
    return std::nullopt;
  };
  id = queue(world, 5 * kChunk, {"anna"}, direct());
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).state, SendState::kFailed);
  EXPECT_NE(world.job(id).error_text.find("holds something else"), std::string::npos);
  EXPECT_FALSE(world.box("anna", 0));
}

TEST_F(EngineDirectTest, LostAnswers_AreAskedForAgain) {
  world.channel("anna");
  world.network.on_write = [](const ModelNetwork::WriteCall& call) {
    return call.number % 2 == 1 ? std::optional(ModelNetwork::WriteFault{call.number % 4 == 1,
                                                                         ports::Outcome::kRetry})
                                : std::nullopt;
  };
  const JobId id = queue(world, 8 * kChunk, {"anna"}, direct());
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 8 * kChunk);
}

// A replica that loses the last box of a batch after it has confirmed it.
TEST_F(EngineDirectTest, BoxLostAfterItWasConfirmed_IsWrittenAgain) {
  world.channel("anna");
  bool is_lost = false;
  JobId id{};
  world.network.on_read = [&](const IndexBytes& index) -> std::optional<ports::ReadResult> {
    if (std::exchange(is_lost, true)) return std::nullopt;
    const bacap::WriteCap body = bacap::WriteCap::from_seed(world.job(id).plan.body_seed);
    world.network.lose(body.read_cap(), *bacap::MessageBoxIndex::parse(index));
    return std::nullopt;
  };
  id = queue(world, 5 * kChunk, {"anna"}, direct());
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 5 * kChunk);
  EXPECT_TRUE(world.noted(id, "written again"));
}

TEST_F(EngineDirectTest, RefusedWrite_FailsTheJobAndCanBeTriedAgain) {
  world.channel("anna");
  world.network.on_write = [](const ModelNetwork::WriteCall& call) {
    return call.number == 4
               ? std::optional(ModelNetwork::WriteFault{false, ports::Outcome::kRejected})
               : std::nullopt;
  };
  const JobId id = queue(world, 5 * kChunk, {"anna"}, direct());
  run_all(world, 0, 1);
  EXPECT_EQ(world.job(id).state, SendState::kFailed);
  world.network.on_write = nullptr;
  ASSERT_TRUE(world.run(retry_send(world.ports(), id)));
  run_all(world, 1);
  expect_posted(world, id, "anna", 0, 5 * kChunk);
}

// The choice is the job's: also of what is done with it later.
TEST_F(EngineDirectTest, SharedAndRetracted_TheChoiceIsKept) {
  for (const char* name : {"anna", "ben"}) world.channel(name);
  SendRequest request = direct();
  request.window = 1;
  const JobId id = queue(world, 9 * kChunk, {"anna"}, request);
  run_all(world, 1);
  ASSERT_TRUE(world.run(share_send(world.ports(), id, {"ben"})));
  run_all(world, 1);
  expect_posted(world, id, "ben", 0, 9 * kChunk);
  EXPECT_TRUE(world.network.copies.empty());
  ASSERT_TRUE(world.run(retract_send(world.ports(), id, Way::kCopy)));
  run_all(world, 1);
  EXPECT_FALSE(world.network.copies.empty());
  EXPECT_EQ(world.network.most_writing, 1U);
  const std::optional<Bytes> box = world.box("ben", 0);
  EXPECT_TRUE(box && box->empty());
}

// ---- letters, each on its own ----

TEST_F(EngineDirectTest, DirectLetters_AreWrittenOneAfterTheOther) {
  for (const char* name : {"anna", "ben", "cleo"}) world.channel(name);
  SendRequest request;
  request.commit = Way::kDirect;
  const JobId id = queue(world, 100, {"anna", "ben", "cleo"}, request);
  run_all(world, 1);
  for (const char* name : {"anna", "ben", "cleo"}) expect_posted(world, id, name, 0, 100);
  EXPECT_EQ(world.network.writes, 3U);
  EXPECT_EQ(world.network.reads, 3U);
  EXPECT_EQ(world.network.most_writing, 1U);
}

TEST_F(EngineDirectTest, DirectLetterInATakenPosition_GoesIntoTheNext) {
  for (const char* name : {"anna", "ben"}) world.channel(name);
  world.network.put(world.write_cap("anna"), world.position("anna", 0), as_bytes("not ours"));
  const JobId id = queue(world, 100, {"anna", "ben"}, direct());
  run_all(world, 1);
  expect_posted(world, id, "anna", 1, 100);
  expect_posted(world, id, "ben", 0, 100);
}

}  // namespace
}  // namespace taubenpost
