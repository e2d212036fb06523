// The queue between a client and a subscriber that does not keep up.
#include <gtest/gtest.h>

#include "support/fake_daemon.h"
#include "thin/subscription.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;

asio::awaitable<void> reads_all(std::shared_ptr<Subscription> events, std::vector<Event>& seen) {
  while (true) {
    Result<Event> event = co_await events->next(std::chrono::milliseconds(0));
    if (!event) co_return;
    seen.push_back(std::move(*event));
  }
}
asio::awaitable<void> nothing() { co_return; }

// What a subscriber reads that starts when everything has been pushed.
std::vector<Event> pushed_through(std::size_t capacity, std::vector<Event> events) {
  asio::io_context io;
  const auto queue = std::make_shared<Subscription>(io.get_executor(), capacity);
  for (Event& event : events) queue->push(std::move(event));
  std::vector<Event> seen;
  run_both(io, reads_all(queue, seen), nothing());
  return seen;
}

MessageReplyEvent reply(std::uint8_t id) { return {MessageReply{Bytes16{id}, Bytes{id}}}; }

TEST(ThinEvents, FullQueueOfStates_KeepsTheNewestAndLosesNothing) {
  std::vector<Event> events;
  for (int i = 0; i < 5; ++i) events.push_back(StatusEvent{i == 4});
  const std::vector<Event> seen = pushed_through(2, events);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(std::get<StatusEvent>(seen[0]).is_connected);
  EXPECT_TRUE(std::get<StatusEvent>(seen[1]).is_connected);
}

TEST(ThinEvents, FullQueueOfMessages_DropsTheOldestAndTellsHowMany) {
  const std::vector<Event> seen =
      pushed_through(2, {reply(1), reply(2), reply(3), reply(4), reply(5)});
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(std::get<MissedEvent>(seen[0]).count, 3u);
  EXPECT_EQ(std::get<MessageReplyEvent>(seen[1]).reply.id, Bytes16{4});
  EXPECT_EQ(std::get<MessageReplyEvent>(seen[2]).reply.id, Bytes16{5});
}

TEST(ThinEvents, FullQueueOfBoth_GivesUpAnOldStateBeforeAMessage) {
  const std::vector<Event> seen =
      pushed_through(3, {StatusEvent{false}, reply(1), StatusEvent{true}, reply(2)});
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(std::get<MessageReplyEvent>(seen[0]).reply.id, Bytes16{1});
  EXPECT_TRUE(std::get<StatusEvent>(seen[1]).is_connected);
  EXPECT_EQ(std::get<MessageReplyEvent>(seen[2]).reply.id, Bytes16{2});
}

TEST(ThinEvents, NewestStateOfItsKind_IsNotGivenUpForAnotherKind) {
  const std::vector<Event> seen =
      pushed_through(2, {StatusEvent{true}, ShutdownEvent{}, DisconnectedEvent{}});
  ASSERT_EQ(seen.size(), 3u);
  // The status was the oldest event, and had no successor: it is lost, and that is told.
  EXPECT_EQ(std::get<MissedEvent>(seen[0]).count, 1u);
  EXPECT_TRUE(std::holds_alternative<ShutdownEvent>(seen[1]));
}

TEST(ThinEvents, QueueOfLargeMessages_IsFullSoonerThanOfSmallOnes) {
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i)
    events.push_back(MessageReplyEvent{MessageReply{Bytes16{}, Bytes(5'000'000)}});
  const std::vector<Event> seen = pushed_through(1'000, std::move(events));
  ASSERT_EQ(seen.size(), 14u);  // 64 MiB of them
  EXPECT_EQ(std::get<MissedEvent>(seen[0]).count, 7u);
}

asio::awaitable<void> reads_between(std::shared_ptr<Subscription> events,
                                    std::vector<std::uint64_t>& missed) {
  for (int round = 0; round < 2; ++round) {
    for (std::uint8_t i = 0; i < 3; ++i) events->push(reply(i));
    const Event first = must(co_await events->next(std::chrono::milliseconds(0)));
    missed.push_back(std::get<MissedEvent>(first).count);
  }
}

TEST(ThinEvents, Losses_AreToldOnceEach) {
  asio::io_context io;
  const auto queue = std::make_shared<Subscription>(io.get_executor(), 1);
  std::vector<std::uint64_t> missed;
  run_both(io, reads_between(queue, missed), nothing());
  EXPECT_EQ(missed, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(queue->lost(), 5u);
}

}  // namespace
}  // namespace taubenpost::thin
