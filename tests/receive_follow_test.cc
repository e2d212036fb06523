// Receiving without an end: rounds and jobs beside each other, and what ends them.
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "engine/follow.h"
#include "support/receive_world.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;

class ReceiveFollow : public testing::Test {
 protected:
  static Bytes letter(std::uint8_t id) {
    return wire::encode_letter(
        ReceiveWorld::letter_for(as_bytes("content"), "f" + std::to_string(id), id));
  }

  // After `jobs_awaited` ends it says kCancelled, which ends all.
  static asio::awaitable<Status> count(ReceiveFollow* self, JobId id) {
    self->ended.push_back(id);
    if (self->ended.size() >= self->jobs_awaited)
      co_return error(Errc::kCancelled, "all that was awaited");
    co_return ok();
  }
  static asio::awaitable<Status> follow(ReceiveFollow* self) {
    FollowEvents events;
    events.polled = [self](const PollSummary& found) {
      ++self->rounds;
      if (self->on_round) self->on_round();
      self->letters += found.letters;
    };
    events.trouble = [self](const Error& failure) {
      self->troubles.push_back(failure.code);
      if (self->on_trouble) self->on_trouble();
    };
    events.waits = [self](JobId, const std::string& reason) {
      self->waits.push_back(reason);
      if (self->on_wait) self->on_wait();
    };
    events.ended = [self](JobId id) { return count(self, id); };
    std::vector<ChannelId> channels{self->channel.id, self->other.id};
    const auto executor = co_await asio::this_coro::executor;
    Follow following(self->world.ports(), self->world.options, std::move(channels),
                     self->world.target.path(), self->world.place, std::move(events), executor);
    co_return co_await following.run();
  }
  Errc run() { return world.run(follow(this)).error().code; }

  ReceiveWorld world;
  ChannelRow other = world.import("other", 2);
  ChannelRow channel = world.import("sender", 1);
  std::size_t jobs_awaited = 1, rounds = 0, letters = 0;
  std::vector<JobId> ended;
  std::vector<Errc> troubles;
  std::vector<std::string> waits;
  std::function<void()> on_round, on_trouble, on_wait;
};

TEST_F(ReceiveFollow, WhatArrivesInLaterRounds_IsPlaced) {
  jobs_awaited = 3;
  world.post(letter(1));
  on_round = [this] {
    if (rounds == 3) world.post(letter(2));
    if (rounds == 7) world.post(letter(3));
  };
  EXPECT_EQ(run(), Errc::kCancelled);
  EXPECT_EQ(letters, 3U);
  EXPECT_EQ(world.target.names(), (std::vector<std::string>{"f1", "f2", "f3"}));
  EXPECT_LE(rounds, 9U);
}

TEST_F(ReceiveFollow, PausesWhereNothingComes_GrowToAMinute) {
  const std::uint64_t begin = world.clock.monotonic_ms();
  on_round = [this] {
    if (rounds == 20) world.post(letter(1));
  };
  EXPECT_EQ(run(), Errc::kCancelled);
  const std::uint64_t seconds = (world.clock.monotonic_ms() - begin) / 1000;
  EXPECT_GT(seconds, 16U * 60);
  EXPECT_LT(seconds, 30U * 60);
}

TEST_F(ReceiveFollow, TransferThatTakesLong_HoldsUpNoOther) {
  jobs_awaited = 2;
  const Bytes content = ReceiveWorld::pattern(5000);
  world.post(wire::encode_letter(world.letter_with_body(content, "late", 1)));
  const IndexBytes late = world.body_indices[1];
  world.network.clear(late);
  for (int i = 0; i < 8; ++i) world.network.put(late, ports::Outcome::kNotFound);
  world.network.put(late, Bytes(content.begin() + 1545, content.begin() + 2 * 1545));
  on_round = [this] {
    if (rounds == 1) world.post(letter(2));
  };
  EXPECT_EQ(run(), Errc::kCancelled);
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(world.row(ended[0]).target, world.target / "f2");
  EXPECT_EQ(content_of(world.target / "late"), as_text(content));
}

TEST_F(ReceiveFollow, UnfinishedJobOfAnEarlierRun_IsBroughtToItsEnd) {
  world.post(letter(1));
  ASSERT_TRUE(world.poll(channel));
  world.restart();
  EXPECT_EQ(run(), Errc::kCancelled);
  EXPECT_EQ(letters, 0U);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f1"});
}

TEST_F(ReceiveFollow, DaemonThatIsAwayForAWhile_IsWaitedFor) {
  world.network.gone = true;
  on_trouble = [this] {
    if (troubles.size() < 3) return;
    world.network.gone = false;
    world.post(letter(1));
  };
  EXPECT_EQ(run(), Errc::kCancelled);
  EXPECT_EQ(troubles, std::vector(3, Errc::kDaemonGone));
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f1"});
}

TEST_F(ReceiveFollow, ChannelWithoutAClearAnswer_HoldsUpNoOther) {
  world.network.put(other.next, ports::Outcome::kRetry);
  world.post(letter(1));
  EXPECT_EQ(run(), Errc::kCancelled);
  EXPECT_EQ(troubles, std::vector{Errc::kTemporary});
}

TEST_F(ReceiveFollow, FloodInOneChannel_HoldsUpNoOther) {
  for (int i = 0; i < 600; ++i) world.post(ports::Outcome::kTombstone);
  world.position = bacap::WriteCap::from_seed(Bytes32{2}).index();
  world.post(letter(1));
  EXPECT_EQ(run(), Errc::kCancelled);
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f1"});
  EXPECT_LT(world.store->channel(channel.id)->counter - channel.counter, 600U);
}

TEST_F(ReceiveFollow, FolderThatIsMissing_IsToldAndWaitedFor) {
  world.post(letter(1));
  std::filesystem::remove(world.target.path());
  on_wait = [this] {
    if (waits.size() == 2) std::filesystem::create_directory(world.target.path());
  };
  EXPECT_EQ(run(), Errc::kCancelled);
  EXPECT_EQ(waits, (std::vector<std::string>(2, "the target folder is missing")));
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"f1"});
}

TEST_F(ReceiveFollow, OtherNetwork_EndsIt) {
  ports::Transaction step;
  step.bind(NetworkId{0x77});
  ASSERT_TRUE(world.run(world.store->commit(std::move(step))));
  EXPECT_EQ(run(), Errc::kRefused);
}

}  // namespace
}  // namespace taubenpost
