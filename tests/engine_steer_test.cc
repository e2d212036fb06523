// What a user can change about a send job while it is queued, on its way, or failed.
#include <gtest/gtest.h>

#include "engine/end_send.h"
#include "engine/steer_send.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kChunk = SendWorld::kChunk;

class EngineSteerTest : public testing::Test {
 protected:
  static Status pause(SendWorld& in, JobId id) { return in.run(pause_send(in.ports(), id)); }
  static Status resume(SendWorld& in, JobId id) { return in.run(resume_send(in.ports(), id)); }
  static void expect_posted(SendWorld& in, JobId id, const std::string& channel,
                            std::uint64_t number, std::size_t size) {
    EXPECT_EQ(in.job(id).state, SendState::kPosted) << in.job(id).error_text;
    const std::optional<wire::Letter> letter = in.letter(channel, number);
    ASSERT_TRUE(letter);
    EXPECT_TRUE(in.content(*letter) == SendWorld::pattern(size));
  }

  SendWorld world;
};

// ---- pause and resume ----

TEST_F(EngineSteerTest, PausedJob_SendsNothingUntilItIsResumed) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 6 * kChunk, {"anna"});
  const JobId other = world.queue_bytes("other", 10, {"anna"});
  ASSERT_TRUE(pause(world, id));
  EXPECT_EQ(pause(world, id).error().code, Errc::kNothingToDo);
  run_all(world, 1);
  expect_posted(world, other, "anna", 0, 10);
  EXPECT_EQ(world.job(id).state, SendState::kQueued);
  EXPECT_TRUE(world.noted(id, "paused"));
  world.network.gone = true;  // nobody is needed for nothing
  run_all(world, 0);
  world.network.gone = false;
  ASSERT_TRUE(resume(world, id));
  EXPECT_EQ(resume(world, id).error().code, Errc::kNothingToDo);
  run_all(world, 1);
  expect_posted(world, id, "anna", 1, 6 * kChunk);
}

// What had been started in the network when the pause was durable.
struct Started {
  std::uint64_t writes, builds, reads;
  std::size_t copies;
  static Started of(const ModelNetwork& network) {
    Started all{network.writes, network.builds, network.reads, 0};
    for (const auto& [sequence, commands] : network.copies) all.copies += commands.size();
    return all;
  }
  bool operator==(const Started&) const = default;
};

struct Pause {
  std::optional<Status> status;
  std::optional<Started> started;
};
asio::awaitable<void> pause_after(SendWorld& in, JobId id, std::chrono::milliseconds time,
                                  Pause& out) {
  co_await in.clock.sleep(time);
  out.status = co_await pause_send(in.ports(), id);
  co_await in.clock.sleep(std::chrono::milliseconds(5));  // what was begun is counted by now
  out.started = Started::of(in.network);
}
TEST_F(EngineSteerTest, PausedDuringTheRun_StartsNothingMore) {
  int held = 0;
  for (int after_ms = 0; after_ms < 30'000; after_ms += 1'300) {
    SCOPED_TRACE("paused after " + std::to_string(after_ms) + " ms");
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 5 * kChunk, {"anna"});
    Pause pause;
    const Result<RunSummary> summary =
        one.run(run_beside(one, pause_after(one, id, std::chrono::milliseconds(after_ms), pause)));
    ASSERT_TRUE(summary) << summary.error().what;
    ASSERT_TRUE(pause.status);
    if (!*pause.status) {
      // The decision or the end was faster; and then nothing holds it up.
      EXPECT_EQ(one.job(id).state, SendState::kPosted);
      EXPECT_FALSE(one.job(id).paused);
      continue;
    }
    ++held;
    EXPECT_EQ(Started::of(one.network), *pause.started);
    EXPECT_LT(one.job(id).state, SendState::kCommitting);
    EXPECT_FALSE(one.box("anna", 0));
    ASSERT_TRUE(resume(one, id));
    run_all(one, 1);
    expect_posted(one, id, "anna", 0, 5 * kChunk);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(held, 3);
  EXPECT_LT(held, 24);
}

TEST_F(EngineSteerTest, PausedAfterAnyKill_StaysWhereItIsOrIsRefused) {
  bool ended = false;
  int held = 0, refused = 0;
  for (std::uint64_t at = 1; !ended; at += 4) {
    SCOPED_TRACE("killed at step " + std::to_string(at));
    SendWorld one;
    one.channel("anna");
    const JobId id = one.queue_bytes("file", 4 * kChunk, {"anna"});
    ended = one.run_engine_until(at);
    const Status paused = pause(one, id);
    if (paused) {
      ++held;
      const SendJobRow before = one.job(id);
      const Started started = Started::of(one.network);
      run_all(one, 0);
      EXPECT_EQ(one.job(id), before);
      EXPECT_EQ(Started::of(one.network), started);
      ASSERT_TRUE(resume(one, id));
    } else {
      ++refused;
      EXPECT_EQ(paused.error().code, ended ? Errc::kNothingToDo : Errc::kRefused);
    }
    ASSERT_TRUE(one.run_engine());
    expect_posted(one, id, "anna", 0, 4 * kChunk);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(held, 5);
  EXPECT_GT(refused, 1);
}

TEST_F(EngineSteerTest, CancelledWhilePaused_IsCancelled) {
  world.channel("anna");
  const JobId id = world.queue_bytes("file", 4 * kChunk, {"anna"});
  run_until(world, id, SendState::kUploading);
  ASSERT_TRUE(pause(world, id));
  ASSERT_TRUE(world.run(cancel_send(world.ports(), id)));
  EXPECT_EQ(resume(world, id).error().code, Errc::kNothingToDo);
  run_all(world, 0);
  EXPECT_EQ(world.job(id).state, SendState::kCancelled);
}

}  // namespace
}  // namespace taubenpost
