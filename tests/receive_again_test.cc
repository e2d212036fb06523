// A transfer that was sent anew: its letters arrive in any order, at any time of the first job, and
// one file comes of them.
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "engine/inbox.h"
#include "engine/purge.h"
#include "engine/task_group.h"
#include "support/receive_world.h"

namespace taubenpost {
namespace {

namespace asio = boost::asio;
using ports::Outcome;

class ReceiveAgain : public testing::Test {
 protected:
  // A letter of the one transfer, with a body of its own, whose boxes are then in the network.
  Bytes letter(std::uint8_t body) {
    wire::Letter letter = ReceiveWorld::letter_for(content, "file");
    const bacap::WriteCap cap = bacap::WriteCap::from_seed(Bytes32{0xB1, body});
    world.body_indices = world.network.put_body(cap.index(), content, ReceiveWorld::kChunk);
    letter.content =
        wire::BodyRef{cap.read_cap().bytes(), world.body_indices.size(), ReceiveWorld::kChunk};
    return wire::encode_letter(letter);
  }
  // As above; the last box of its body is gone for good.
  Bytes hopeless_letter(std::uint8_t body) {
    Bytes box = letter(body);
    world.network.clear(world.body_indices.back());
    world.network.put(world.body_indices.back(), Outcome::kTombstone);
    return box;
  }
  PollSummary poll() {
    const Result<PollSummary> polled = world.poll(channel);
    EXPECT_TRUE(polled) << polled.error().what;
    return polled ? *polled : PollSummary{};
  }
  std::vector<InboxKind> kinds() const {
    std::vector<InboxKind> found;
    const std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
    for (const InboxRow& row : inbox) found.push_back(row.kind);
    return found;
  }
  // The one that has not ended.
  JobId open_job() const {
    JobId open{};
    const std::vector<ReceiveJobRow> jobs = *world.store->receive_job_rows();
    for (const ReceiveJobRow& job : jobs) {
      if (has_ended(job.state)) continue;
      EXPECT_EQ(open, JobId{}) << "one at a time";
      open = job.id;
    }
    return open;
  }
  JobId first_job() {
    EXPECT_EQ(poll().letters, 1U);
    return open_job();
  }
  void expect_failed(JobId id) {
    ASSERT_TRUE(world.receive(id));
    EXPECT_EQ(world.row(id).state, ReceiveState::kFailed);
    EXPECT_TRUE(world.target.names().empty());
  }
  void expect_received(JobId id) {
    ASSERT_TRUE(world.receive(id));
    EXPECT_EQ(world.row(id).state, ReceiveState::kPlaced) << world.row(id).error_text;
    EXPECT_EQ(world.target.names(), std::vector<std::string>{"file"});
    EXPECT_EQ(content_of(world.target / "file"), as_text(content));
  }
  // Nothing comes of what is there any more.
  void expect_over() {
    world.restart();
    EXPECT_EQ(poll().letters, 0U);
    EXPECT_EQ(open_job(), JobId{});
  }

  const Bytes content = ReceiveWorld::pattern(5000);
  ReceiveWorld world;
  ChannelRow channel = world.import("sender", 1);
};

TEST_F(ReceiveAgain, FirstWasReceived_TheSecondIsADuplicate) {
  world.post(letter(1));
  expect_received(first_job());
  world.post(letter(2));
  EXPECT_EQ(poll().others, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kLetter, InboxKind::kDuplicate}));
  expect_over();
  EXPECT_EQ(world.target.names(), std::vector<std::string>{"file"});
}

TEST_F(ReceiveAgain, FirstHasFailed_TheSecondIsReceived) {
  world.post(hopeless_letter(1));
  expect_failed(first_job());
  expect_over();
  world.post(letter(2));
  EXPECT_EQ(poll().letters, 1U);
  EXPECT_EQ(kinds(), (std::vector{InboxKind::kDuplicate, InboxKind::kLetter}));
  expect_received(open_job());
  world.post(letter(3));
  expect_over();
}

TEST_F(ReceiveAgain, SecondArrivesWhileTheFirstIsPartlyFetched_IsReceivedOnceThatFails) {
  for (const bool fails : {false, true}) {
    SCOPED_TRACE(fails ? "the first fails" : "the first is received");
    const std::string name = "of the transfer " + std::to_string(fails);
    world.post(fails ? hopeless_letter(1) : letter(1));
    const JobId first = first_job();
    EXPECT_FALSE(world.run_until_read(first, 3));
    world.restart();
    world.post(letter(2));
    EXPECT_EQ(poll().others, 1U);
    EXPECT_EQ(open_job(), first);
    if (!fails) {
      expect_received(first);
      expect_over();
      std::filesystem::remove(world.target / "file");
      channel = world.import("other", 2);  // nothing is known of the transfer there
      continue;
    }
    expect_failed(first);
    EXPECT_EQ(kinds(), (std::vector{InboxKind::kDuplicate, InboxKind::kDeferred}));
    world.restart();
    EXPECT_EQ(poll().letters, 1U);
    expect_received(open_job());
    expect_over();
  }
}

// The first letter was so late that the second one was found before it.
TEST_F(ReceiveAgain, FirstArrivesLast_ServesOnlyIfTheSecondHasFailed) {
  for (const bool fails : {false, true}) {
    SCOPED_TRACE(fails ? "the second fails" : "the second is received");
    const IndexBytes hole = world.position.bytes();
    world.leave_empty(1);
    world.post(fails ? hopeless_letter(2) : letter(2));
    const PollSummary polled = poll();
    EXPECT_EQ(polled.letters, 1U);
    EXPECT_EQ(polled.passed_over, 1U);
    const JobId second = open_job();
    if (!fails) expect_received(second);
    if (fails) expect_failed(second);
    world.network.put(hole, letter(1));
    EXPECT_EQ(poll().letters, fails ? 1U : 0U);
    EXPECT_EQ(kinds(), (std::vector{fails ? InboxKind::kLetter : InboxKind::kDuplicate,
                                    fails ? InboxKind::kDuplicate : InboxKind::kLetter}));
    if (fails) expect_received(open_job());
    expect_over();
    if (fails) continue;
    std::filesystem::remove(world.target / "file");
    channel = world.import("other", 2);
  }
}

TEST_F(ReceiveAgain, EveryLetterIsHopeless_EachIsTriedOnceTheNewestFirst) {
  for (std::uint8_t body = 1; body <= 3; ++body) world.post(hopeless_letter(body));
  std::vector<std::uint64_t> tried;
  for (JobId id = first_job(); id != JobId{}; id = open_job()) {
    tried.push_back(world.row(id).counter - channel.counter);
    ASSERT_LE(tried.size(), 3U);
    expect_failed(id);
    world.restart();
    poll();
  }
  EXPECT_EQ(tried, (std::vector<std::uint64_t>{0, 2, 1}));
  world.post(letter(4));
  EXPECT_EQ(poll().letters, 1U);
  expect_received(open_job());
}

TEST_F(ReceiveAgain, FailedJobWhoseTransferAnotherLetterHas_IsNotTriedAgain) {
  world.post(hopeless_letter(1));
  const JobId first = first_job();
  expect_failed(first);
  world.post(letter(2));
  EXPECT_EQ(poll().letters, 1U);
  const Status tried =
      world.run(receive_again(world.ports(), first, world.target.path(), world.place));
  EXPECT_EQ(tried.error().code, Errc::kRefused);
  expect_received(open_job());
}

TEST_F(ReceiveAgain, FailedJobIsForgotten_TheSecondIsReceived) {
  world.post(hopeless_letter(1));
  expect_failed(first_job());
  world.let_pass(std::chrono::seconds(2));
  const Result<PurgeSummary> purged =
      world.run(purge_ended(world.ports(), world.clock.unix_ms() / 1000));
  ASSERT_TRUE(purged) << purged.error().what;
  EXPECT_EQ(purged->receive_jobs, 1U);
  world.post(letter(2));
  EXPECT_EQ(poll().letters, 1U);
  expect_received(open_job());
}

// The sender chooses both letters: one that was accepted accepts no other.
TEST_F(ReceiveAgain, ChannelThatAsks_AsksAboutTheSecondToo) {
  ASSERT_TRUE(world.run(set_channel_rules(world.ports(), "sender", {Accept::kAsk, 1 << 20, 100})));
  world.post(hopeless_letter(1));
  world.post(letter(2));
  EXPECT_EQ(poll().held, 1U);
  const auto accept = [&](std::uint64_t offset) {
    return world.run(accept_entry(world.ports(), channel.id, channel.counter + offset,
                                  world.target.path(), world.place));
  };
  ASSERT_TRUE(accept(0));
  expect_failed(open_job());
  EXPECT_EQ(poll().letters, 0U);
  const std::vector<InboxRow> inbox = *world.store->inbox(channel.id);
  EXPECT_EQ(inbox.back().kind, InboxKind::kDeferred);
  EXPECT_FALSE(inbox.back().reason.empty());
  ASSERT_TRUE(accept(1));
  expect_received(open_job());
}

// A job that fails while a round finds another letter: whoever is stored first, the other sees it.
class ReceiveAgainBeside : public ReceiveAgain, public testing::WithParamInterface<int> {
 protected:
  static asio::awaitable<void> job_of(ReceiveAgainBeside* self, JobId id) {
    co_await self->world.clock.sleep(std::chrono::milliseconds(std::max(0, -GetParam())));
    ReceiveJob job(id, self->world.ports(), self->world.options);
    Status ran = co_await job.run();
    EXPECT_TRUE(ran) << ran.error().what;
  }
  static asio::awaitable<void> round_of(ReceiveAgainBeside* self) {
    co_await self->world.clock.sleep(std::chrono::milliseconds(std::max(0, GetParam())));
    const Result<PollSummary> polled = co_await poll_channel(
        self->world.ports(), self->channel.id, self->world.target.path(), self->world.place);
    EXPECT_TRUE(polled) << polled.error().what;
  }
  static asio::awaitable<Status> both(ReceiveAgainBeside* self, JobId id) {
    TaskGroup group(co_await asio::this_coro::executor);
    group.spawn(job_of(self, id));
    group.spawn(round_of(self));
    co_await group.join();
    co_return ok();
  }
};

TEST_P(ReceiveAgainBeside, SecondIsFoundWhileTheFirstFails_IsReceived) {
  world.post(hopeless_letter(1));
  const JobId first = first_job();
  world.post(letter(2));
  // Now a commit takes a moment, in which the other one goes on.
  world.store = std::make_unique<WatchedStore>(std::move(world.store), world.clock, [] {});
  ASSERT_TRUE(world.run(both(this, first)));
  EXPECT_EQ(world.row(first).state, ReceiveState::kFailed);
  poll();
  expect_received(open_job());
}

// Milliseconds by which the round, or below zero the job, begins later: a commit takes one.
INSTANTIATE_TEST_SUITE_P(Each, ReceiveAgainBeside, testing::Range(-4, 5));

}  // namespace
}  // namespace taubenpost
