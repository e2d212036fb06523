// Messages to services: what goes out, which event is whose, and what a loss means.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "support/fake_daemon.h"
#include "support/thin_starts.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;

using Sent = std::optional<Result<MessageSent>>;
using Replied = std::optional<Result<MessageReply>>;

ServiceId echo() { return {Bytes32{1}, to_bytes(as_bytes("+echo"))}; }

asio::awaitable<void> sends(World& world, Sent& got, Limit limit = kDefaultLimit) {
  got.emplace(co_await world.client.send_message(echo(), as_bytes("hello"), limit));
}
asio::awaitable<void> asks(World& world, Replied& got, Limit limit = kDefaultLimit) {
  got.emplace(co_await world.client.send_and_wait(echo(), as_bytes("hello"), limit));
}

wire::MessageSentEvent sent_event(const wire::SendMessage& message) {
  wire::MessageSentEvent event;
  event.surbid = message.surbid;
  event.sent_at = 1'795'576'328;
  event.reply_eta = 2'000'000'000;
  return event;
}
wire::MessageReplyEvent reply_event(const wire::SendMessage& message) {
  wire::MessageReplyEvent event;
  event.surbid = message.surbid;
  event.payload = Bytes{'h', 'i', 0, 0};
  return event;
}

asio::awaitable<void> echoes(World& world, wire::SendMessage& seen) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  seen = co_await connection->receive_a<wire::SendMessage>();
  co_await connection->send(sent_event(seen));
  co_await connection->send(reply_event(seen));
}

TEST(ThinMessage, Echo_GivesTheReply) {
  World world;
  Replied got;
  wire::SendMessage seen;
  run_both(world.io, asks(world, got), echoes(world, seen));
  EXPECT_EQ(must(std::move(*got)).payload, (Bytes{'h', 'i', 0, 0}));
  // Never without a reply block: the daemon would make a packet that services discard.
  EXPECT_TRUE(seen.with_surb);
  EXPECT_TRUE(seen.surbid.has_value());
  EXPECT_EQ(seen.destination_id_hash, Bytes32{1});
  EXPECT_EQ(seen.recipient_queue_id, to_bytes(as_bytes("+echo")));
  EXPECT_EQ(seen.payload, to_bytes(as_bytes("hello")));
}

asio::awaitable<void> watches_messages(World& world, std::vector<Event>& seen) {
  const auto events = world.client.subscribe();
  Sent sent;
  co_await sends(world, sent);
  const Bytes16 id = must(std::move(*sent)).id;
  while (true) {
    Event event = must(co_await events->next(milliseconds(10'000)));
    const bool is_reply = std::holds_alternative<MessageReplyEvent>(event);
    seen.push_back(std::move(event));
    if (is_reply) break;
  }
  EXPECT_EQ(std::get<MessageReplyEvent>(seen.back()).reply.id, id);
}

TEST(ThinMessage, SentMessage_IsFollowedByItsReplyAsAnEvent) {
  World world;
  std::vector<Event> events;
  wire::SendMessage seen;
  run_both(world.io, watches_messages(world, events), echoes(world, seen));
  const auto& sent = std::get<MessageSentEvent>(events.at(events.size() - 2));
  EXPECT_EQ(sent.sent.id, *seen.surbid);
  EXPECT_EQ(sent.sent.reply_eta, std::chrono::seconds(2));
  EXPECT_EQ(sent.sent.sent_at, 1'795'576'328);
  EXPECT_EQ(sent.failure, "");
}

asio::awaitable<void> refuses_recorded(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const auto message = co_await connection->receive_a<wire::SendMessage>();
  auto event = std::get<wire::MessageSentEvent>(recorded_reply("send_message_errors", 2));
  event.surbid = message.surbid;
  co_await connection->send(event);
}

TEST(ThinMessage, RecordedFailure_IsToldToTheCaller) {
  World world;
  Replied got;
  run_both(world.io, asks(world, got), refuses_recorded(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kTemporary);
  EXPECT_NE(got->error().what.find("service not found"), std::string::npos) << got->error().what;
}

asio::awaitable<void> connects_and_asks(World& world, Sent& got) {
  must(co_await world.client.connect());
  co_await sends(world, got);
}
asio::awaitable<void> is_offline(World& world) {
  Greeting offline;
  offline.is_connected = false;
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet(offline);
  co_await connection->receive_nothing();
}

TEST(ThinMessage, OfflineDaemon_RefusesAtOnceAndSendsNothing) {
  World world;
  Sent got;
  run_both(world.io, connects_and_asks(world, got), is_offline(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kTemporary);
}

asio::awaitable<void> asks_what_is_refused(World& world, std::vector<Errc>& codes) {
  must(co_await world.client.connect());
  const Bytes longest(
      static_cast<std::size_t>(world.client.sphinx_geometry()->user_forward_payload_length), 0);
  Bytes too_long = longest;
  too_long.push_back(0);
  ServiceId nameless = echo(), long_name = echo();
  nameless.queue_id.clear();
  long_name.queue_id.assign(33, 'x');
  const auto long_message = co_await world.client.send_message(echo(), too_long);
  codes.push_back(long_message.error().code);
  const auto to_nobody = co_await world.client.send_message(nameless, longest);
  codes.push_back(to_nobody.error().code);
  const auto to_long_name = co_await world.client.send_message(long_name, longest);
  codes.push_back(to_long_name.error().code);
}
asio::awaitable<void> gets_nothing(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_nothing();
}

TEST(ThinMessage, WrongSizes_AreRefusedAndNotSent) {
  World world;
  std::vector<Errc> codes;
  run_both(world.io, asks_what_is_refused(world, codes), gets_nothing(world));
  EXPECT_EQ(codes, std::vector<Errc>(3, Errc::kRejected));
}

// The daemon's queue holds a limited number of starts and messages together.
asio::awaitable<void> sends_beside_a_write(World& world, Got& written, Sent& sent) {
  co_await (writes(world, 1, written) && sends(world, sent));
}
asio::awaitable<void> holds_a_write(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  co_await connection->receive_nothing();
  co_await answer(connection, start.query_id, with_code(0));
  const auto message = co_await connection->receive_a<wire::SendMessage>();
  co_await connection->send(sent_event(message));
}

TEST(ThinMessage, FullWindowOfStarts_HoldsTheMessageBack) {
  World world(quick(), /*starts_max=*/1);
  Got written;
  Sent sent;
  run_both(world.io, sends_beside_a_write(world, written, sent), holds_a_write(world));
  EXPECT_EQ(must(std::move(*written)).kind, ResendKind::kOk);
  EXPECT_TRUE(*sent);
}

// A message that nobody waits for any more is still in the daemon's queue.
asio::awaitable<void> gives_up_then_writes(World& world, Sent& sent, Got& written) {
  must(co_await world.client.connect());
  co_await sends(world, sent, milliseconds(10));
  co_await writes(world, 1, written);
}
asio::awaitable<void> sends_late(World& world, const Sent& given_up) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const auto message = co_await connection->receive_a<wire::SendMessage>();
  while (!given_up) co_await settle();
  co_await connection->receive_nothing();
  co_await connection->send(sent_event(message));
  const Start start = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, with_code(0));
}

TEST(ThinMessage, DeadlineBeforeTheSentEvent_IsOutcomeUnknown) {
  World world(quick(), /*starts_max=*/1);
  Sent sent;
  Got written;
  run_both(world.io, gives_up_then_writes(world, sent, written), sends_late(world, sent));
  ASSERT_FALSE(*sent);
  EXPECT_EQ(sent->error().code, Errc::kOutcomeUnknown);
  EXPECT_EQ(must(std::move(*written)).kind, ResendKind::kOk);
}

}  // namespace
}  // namespace taubenpost::thin
