// One key, one job: after kills, beside each other, and with requests that differ.
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <cstdio>
#include <set>

#include "engine/end_send.h"
#include "engine/task_group.h"
#include "support/send_world.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;

class EngineIdempotencyTest : public testing::Test {
 protected:
  void SetUp() override {
    world.channel("anna");
    world.channel("bert");
    request.sources = {world.file("file", SendWorld::pattern(100))};
    request.to = {"anna", "bert"};
    request.note = "as promised";
    request.key = "day 7";
  }
  Result<JobId> queue(SendRequest asked) {
    return world.run(enqueue_send(world.ports(), std::move(asked)));
  }
  std::size_t jobs() const { return world.store->send_jobs()->size(); }

  SendWorld world;
  SendRequest request;
};

TEST_F(EngineIdempotencyTest, SameRequest_IsTheSameJob) {
  const Result<JobId> id = queue(request);
  ASSERT_TRUE(id) << id.error().what;
  EXPECT_EQ(world.job(*id).key, "day 7");
  EXPECT_EQ(*queue(request), *id);
  SendRequest turned = request;
  std::swap(turned.to[0], turned.to[1]);
  turned.priority = 3;  // how it is sent is no part of what is sent
  EXPECT_EQ(*queue(turned), *id);
  EXPECT_EQ(jobs(), 1U);
  EXPECT_EQ(world.store->recipients(*id)->size(), 2U);
}

TEST_F(EngineIdempotencyTest, JobAtItsEnd_IsFoundEvenWithoutItsFile) {
  const Result<JobId> id = queue(request);
  ASSERT_TRUE(id);
  ASSERT_TRUE(world.run_engine());
  ASSERT_EQ(std::remove(request.sources.front().c_str()), 0);
  EXPECT_EQ(*queue(request), *id);
  EXPECT_EQ(jobs(), 1U);
  EXPECT_EQ(world.job(*id).state, SendState::kPosted);
}

TEST_F(EngineIdempotencyTest, CancelledJob_KeepsItsKey) {
  const Result<JobId> id = queue(request);
  ASSERT_TRUE(id);
  ASSERT_TRUE(world.run(cancel_send(world.ports(), *id)));
  EXPECT_EQ(*queue(request), *id);
  EXPECT_EQ(jobs(), 1U);
}

TEST_F(EngineIdempotencyTest, OtherRequest_IsRefusedAndNamesTheJob) {
  const Result<JobId> id = queue(request);
  ASSERT_TRUE(id);
  std::vector<SendRequest> others(4, request);
  others[0].sources = {world.file("other", SendWorld::pattern(100))};
  others[1].note = "as promised.";
  others[2].to = {"anna"};
  others[3].note.clear();
  for (const SendRequest& other : others) {
    const Result<JobId> refused = queue(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kRefused);
    EXPECT_NE(refused.error().what.find(to_base32(*id)), std::string::npos);
  }
  EXPECT_EQ(jobs(), 1U);
}

TEST_F(EngineIdempotencyTest, OtherKeyOrNone_IsAnotherJob) {
  ASSERT_TRUE(queue(request));
  request.key = "day 8";
  ASSERT_TRUE(queue(request));
  request.key.clear();
  ASSERT_TRUE(queue(request));
  ASSERT_TRUE(queue(request));
  EXPECT_EQ(jobs(), 4U);
}

TEST_F(EngineIdempotencyTest, KeyThatIsNoText_IsUsage) {
  request.key = std::string(256, 'x');
  EXPECT_EQ(queue(request).error().code, Errc::kUsage);
  request.key = "\xff";
  EXPECT_EQ(queue(request).error().code, Errc::kUsage);
  request.key = std::string(255, 'x');
  EXPECT_TRUE(queue(request));
}

TEST_F(EngineIdempotencyTest, KilledAtAnyStep_IsOneJobAndOneLetter) {
  std::uint64_t rounds = 0;
  bool ended = false;
  while (!ended) {
    SCOPED_TRACE("killed at step " + std::to_string(++rounds));
    request.key = "round " + std::to_string(rounds);
    ended = world.queue_until(request, rounds);
    const Result<JobId> id = queue(request);
    ASSERT_TRUE(id) << id.error().what;
    EXPECT_EQ(jobs(), rounds);
    ASSERT_TRUE(world.run_engine());
    EXPECT_TRUE(world.letter("anna", rounds - 1));
    EXPECT_FALSE(world.letter("anna", rounds));
  }
  EXPECT_GE(rounds, 2U);
}

asio::awaitable<void> queue_one(EnginePorts ports, SendRequest request, std::set<JobId>& ids) {
  const Result<JobId> id = co_await enqueue_send(ports, std::move(request));
  EXPECT_TRUE(id) << id.error().what;
  if (id) ids.insert(*id);
}
asio::awaitable<Status> queue_beside(EnginePorts ports, SendRequest request, std::set<JobId>& ids) {
  TaskGroup all(co_await asio::this_coro::executor);
  for (int i = 0; i < 5; ++i) all.spawn(queue_one(ports, request, ids));
  co_await all.join();
  co_return ok();
}

TEST_F(EngineIdempotencyTest, AskedForFiveTimesAtOnce_IsOneJob) {
  std::set<JobId> ids;
  ASSERT_TRUE(world.run(queue_beside(world.ports(), request, ids)));
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(jobs(), 1U);
}

}  // namespace
}  // namespace taubenpost
