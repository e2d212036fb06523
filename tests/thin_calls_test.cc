// Local calls: what goes out, what comes back, and what happens when the connection does not last.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "support/fake_daemon.h"
#include "support/thin_world.h"
#include "thin/client.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using std::chrono::milliseconds;

BoxIndex index_of(std::uint8_t fill) {
  BoxIndex index;
  index.fill(fill);
  return index;
}
WriteCap write_cap_of(std::uint8_t fill) { return WriteCap(Bytes(168, fill)); }
ReadCap read_cap_of(std::uint8_t fill) {
  ReadCap cap;
  cap.fill(fill);
  return cap;
}

// Greets, and answers requests one by one with the recorded replies of a vector.
asio::awaitable<void> replays(World& world, std::vector<wire::Response> replies,
                              std::vector<wire::Request>& requests) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  for (wire::Response& reply : replies) {
    wire::Request request = co_await connection->receive();
    const auto query = wire::query_id_of(request);
    requests.push_back(std::move(request));
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.query_id; }) kind.query_id = query;
        },
        reply);
    co_await connection->send(reply);
  }
}

struct Seen {
  std::optional<KeyPair> pair;
  std::optional<Envelope> read, write;
  std::optional<BoxIndex> next;
  std::optional<std::uint64_t> counter;
  std::size_t authorities = 0;
  SignedDocument document;
};

asio::awaitable<void> calls_everything(World& world, Seen& seen) {
  Client& client = world.client;
  Bytes32 seed;
  seed.fill(9);
  seen.pair = must(co_await client.new_keypair(seed));
  const WriteCap write_cap = write_cap_of(1);
  seen.read = must(co_await client.encrypt_read(read_cap_of(2), index_of(3)));
  seen.write = must(co_await client.encrypt_write(as_bytes("hello"), write_cap, index_of(4)));
  seen.next = must(co_await client.next_message_box_index(index_of(5)));
  seen.counter = must(co_await client.message_box_index_counter(index_of(6)));
  const auto authorities = must(co_await client.directory_authorities());
  seen.authorities = authorities.size();
  seen.document = must(co_await client.get_pki_document(0));
}

TEST(ThinCalls, RecordedReplies_GiveTheirValues) {
  World world;
  Seen seen;
  std::vector<wire::Request> requests;
  const std::vector<wire::Response> replies{recorded_reply("new_keypair"),
                                            recorded_reply("encrypt_read"),
                                            recorded_reply("encrypt_write"),
                                            recorded_reply("next_message_box_index"),
                                            recorded_reply("get_message_box_index_counter"),
                                            recorded_reply("get_directory_authorities"),
                                            recorded_reply("get_pki_document")};
  run_both(world.io, calls_everything(world, seen), replays(world, replies, requests));

  const auto& pair = std::get<wire::NewKeypairReply>(replies[0]);
  EXPECT_TRUE(equal(seen.pair->write_cap.view(), *pair.write_cap));
  EXPECT_EQ(seen.pair->read_cap, pair.read_cap);
  EXPECT_EQ(seen.pair->first, pair.first_message_index);
  const auto& read = std::get<wire::EncryptReadReply>(replies[1]);
  EXPECT_EQ(seen.read->ciphertext, read.message_ciphertext);
  EXPECT_TRUE(equal(seen.read->descriptor.view(), *read.envelope_descriptor));
  EXPECT_EQ(seen.read->hash, read.envelope_hash);
  EXPECT_EQ(seen.read->next, read.next_message_box_index);
  EXPECT_EQ(seen.write->hash, std::get<wire::EncryptWriteReply>(replies[2]).envelope_hash);
  EXPECT_EQ(seen.counter, std::get<wire::GetMessageBoxIndexCounterReply>(replies[4]).counter);
  EXPECT_GT(seen.authorities, 0u);
  const auto& signed_reply = std::get<wire::GetPkiDocumentReply>(replies[6]);
  EXPECT_EQ(seen.document.epoch, signed_reply.epoch);
  EXPECT_EQ(seen.document.bytes, signed_reply.payload);
  EXPECT_EQ(must(Document::parse(seen.document)).epoch(), signed_reply.epoch);

  // What went out is what was asked for.
  EXPECT_EQ(std::get<wire::NewKeypair>(requests[0]).seed, Bytes(32, 9));
  const auto& encrypt_read = std::get<wire::EncryptRead>(requests[1]);
  EXPECT_EQ(encrypt_read.read_cap, read_cap_of(2));
  EXPECT_EQ(encrypt_read.message_box_index, index_of(3));
  const auto& encrypt_write = std::get<wire::EncryptWrite>(requests[2]);
  EXPECT_EQ(encrypt_write.plaintext, to_bytes(as_bytes("hello")));
  EXPECT_TRUE(equal(*encrypt_write.write_cap, Bytes(168, 1)));
  EXPECT_EQ(std::get<wire::NextMessageBoxIndex>(requests[3]).message_box_index, index_of(5));
}

asio::awaitable<void> builds(World& world, CopyElements& multi, CopyElements& tombstones,
                             CopyElements& single) {
  const WriteCap cap = write_cap_of(1);
  const Bytes payload(2000, 5);
  const std::vector<Destination> destinations{{payload, &cap, index_of(1)}};
  StreamPart part;
  part.is_start = true;
  const Bytes buffer(10, 3);
  part.buffer = buffer;
  multi =
      must(co_await world.client.create_courier_envelopes_from_multi_payload(destinations, part));
  tombstones = must(co_await world.client.create_courier_envelopes_from_tombstone_range(
      cap, index_of(2), 1, part));
  single = must(
      co_await world.client.create_courier_envelopes_from_payload(destinations[0], true, true));
}

TEST(ThinCalls, BuilderCalls_CarryTheBufferAndGiveTheElements) {
  World world;
  CopyElements multi, tombstones, single;
  std::vector<wire::Request> requests;
  const std::vector<wire::Response> replies{
      recorded_reply("create_courier_envelopes_from_multi_payload"),
      recorded_reply("create_courier_envelopes_from_tombstone_range"),
      recorded_reply("create_courier_envelopes_from_payload")};
  run_both(world.io, builds(world, multi, tombstones, single), replays(world, replies, requests));
  const auto& reply = std::get<wire::CreateCourierEnvelopesFromMultiPayloadReply>(replies[0]);
  EXPECT_EQ(multi.elements.size(), reply.envelopes ? reply.envelopes->size() : 0);
  EXPECT_EQ(multi.buffer, reply.buffer.value_or(Bytes{}));
  EXPECT_EQ(multi.next.at(0), reply.next_dest_indices->at(0));
  EXPECT_EQ(tombstones.next.size(), 1u);
  EXPECT_EQ(single.elements.size(), 3u);
  const auto& request = std::get<wire::CreateCourierEnvelopesFromMultiPayload>(requests[0]);
  EXPECT_EQ(request.buffer, Bytes(10, 3));
  EXPECT_TRUE(request.is_start);
  EXPECT_FALSE(request.is_last);
  EXPECT_EQ(request.destinations->at(0).payload, Bytes(2000, 5));
  EXPECT_EQ(std::get<wire::CreateCourierEnvelopesFromTombstoneRange>(requests[1]).max_count, 1u);
}

asio::awaitable<void> asks_what_is_refused(World& world, std::vector<Errc>& codes) {
  Client& client = world.client;
  const WriteCap cap = write_cap_of(1);
  const Bytes too_long(1550, 0), huge(10'485'761, 0), big(9'000'000, 0), small(1, 0);
  const auto note = [&codes](const auto& result) {
    codes.push_back(result ? Errc::kUsage : result.error().code);
  };
  const auto empty_write = co_await client.encrypt_write({}, cap, index_of(1));
  note(empty_write);
  const auto long_write = co_await client.encrypt_write(too_long, cap, index_of(1));
  note(long_write);
  const std::vector<std::vector<Destination>> sets{
      {},
      {{ByteView{}, &cap, index_of(1)}},
      {{huge, &cap, index_of(1)}},
      {{big, &cap, index_of(1)}, {big, &cap, index_of(2)}},
      {{small, nullptr, index_of(1)}},
  };
  for (const auto& destinations : sets) {
    const StreamPart part;
    const auto built =
        co_await client.create_courier_envelopes_from_multi_payload(destinations, part);
    note(built);
  }
  for (const std::uint32_t count : {0u, 1001u}) {
    const StreamPart part;
    const auto built = co_await client.create_courier_envelopes_from_tombstone_range(
        cap, index_of(1), count, part);
    note(built);
  }
}
asio::awaitable<void> greets_and_gets_nothing(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_nothing();
}

TEST(ThinCalls, WrongSizes_AreRefusedAndNotSent) {
  World world;
  std::vector<Errc> codes;
  run_both(world.io, asks_what_is_refused(world, codes), greets_and_gets_nothing(world));
  EXPECT_EQ(codes, std::vector<Errc>(9, Errc::kRejected));
}

asio::awaitable<void> asks_counter(World& world, std::optional<Result<std::uint64_t>>& got,
                                   Limit limit) {
  got.emplace(co_await world.client.message_box_index_counter(index_of(1), limit));
}

asio::awaitable<void> answers_code(World& world, std::uint8_t code) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const auto request = co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
  co_await answer(connection, request.query_id, wire::GetMessageBoxIndexCounterReply{{}, 0, code});
}

TEST(ThinCalls, ErrorCodes_SayWhatToDo) {
  const std::pair<std::uint8_t, Errc> cases[] = {
      {3, Errc::kRejected}, {4, Errc::kTemporary}, {10, Errc::kNotFound}, {77, Errc::kRejected}};
  for (const auto& [code, expected] : cases) {
    World world;
    std::optional<Result<std::uint64_t>> got;
    run_both(world.io, asks_counter(world, got, kDefaultLimit), answers_code(world, code));
    ASSERT_FALSE(*got);
    EXPECT_EQ(got->error().code, expected) << int(code);
  }
}

asio::awaitable<void> answers_with_another_kind(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const auto request = co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
  co_await answer(connection, request.query_id, wire::NewKeypairReply{});
}

TEST(ThinCalls, ReplyOfAnotherKind_IsInvalid) {
  World world;
  std::optional<Result<std::uint64_t>> got;
  run_both(world.io, asks_counter(world, got, kDefaultLimit), answers_with_another_kind(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kInvalid);
}

asio::awaitable<void> asks_keypair(World& world, Errc& code) {
  const auto pair = co_await world.client.new_keypair(Bytes32{});
  require(!pair, "a reply without values is no key pair");
  code = pair.error().code;
}
asio::awaitable<void> answers_empty_keypair(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const auto request = co_await connection->receive_a<wire::NewKeypair>();
  co_await answer(connection, request.query_id, wire::NewKeypairReply{});
}

TEST(ThinCalls, SuccessWithoutValues_IsInvalid) {
  World world;
  Errc code{};
  run_both(world.io, asks_keypair(world, code), answers_empty_keypair(world));
  EXPECT_EQ(code, Errc::kInvalid);
}

// The first call times out; its late reply does not become the answer of the second.
asio::awaitable<void> asks_twice(World& world, std::optional<Result<std::uint64_t>>& first,
                                 std::optional<Result<std::uint64_t>>& second) {
  must(co_await world.client.connect());
  co_await asks_counter(world, first, milliseconds(20));
  co_await asks_counter(world, second, kDefaultLimit);
}
asio::awaitable<void> answers_late(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const auto first = co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
  const auto second = co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
  co_await answer(connection, first.query_id, wire::GetMessageBoxIndexCounterReply{{}, 1, 0});
  co_await answer(connection, second.query_id, wire::GetMessageBoxIndexCounterReply{{}, 2, 0});
}

TEST(ThinCalls, DeadlineOfACall_IsTemporaryAndTheLateReplyIsIgnored) {
  World world;
  std::optional<Result<std::uint64_t>> first, second;
  run_both(world.io, asks_twice(world, first, second), answers_late(world));
  ASSERT_FALSE(*first);
  EXPECT_EQ(first->error().code, Errc::kTemporary);
  EXPECT_EQ(must(*second), 2u);
}

asio::awaitable<void> hangs_up_on_calls(World& world) {
  for (int i = 0; i < 2; ++i) {
    const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
    co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
    connection->close();
  }
  const FakeConnectionPtr last = co_await world.daemon.accept_and_greet({});
  co_await last->receive_nothing();
}

TEST(ThinCalls, ConnectionLostTwice_IsDaemonGoneAndNotIssuedAgain) {
  World world;
  std::optional<Result<std::uint64_t>> got;
  run_both(world.io, asks_counter(world, got, kDefaultLimit), hangs_up_on_calls(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kDaemonGone);
}

// `||` cancels the call when the other operand ends first.
asio::awaitable<void> ends_when_settled() { co_await settle(); }
asio::awaitable<void> waits_for_counter(World& world) {
  const auto counter = co_await world.client.message_box_index_counter(index_of(1));
  require(!counter, "nobody answered");
  EXPECT_EQ(counter.error().code, Errc::kCancelled);
}
asio::awaitable<void> cancels_a_call(World& world) {
  using namespace asio::experimental::awaitable_operators;
  must(co_await world.client.connect());
  co_await (waits_for_counter(world) || ends_when_settled());
  std::optional<Result<std::uint64_t>> next;
  co_await asks_counter(world, next, kDefaultLimit);
  EXPECT_EQ(must(*next), 2u);
}

TEST(ThinCalls, CancelledCaller_LeavesNothingBehind) {
  World world;
  run_both(world.io, cancels_a_call(world), answers_late(world));
}

asio::awaitable<void> closes_client(World& world) {
  must(co_await world.client.connect());
  co_await world.client.close();
  EXPECT_FALSE(world.client.is_open());
  const auto after = co_await world.client.message_box_index_counter(index_of(1));
  require(!after, "the client is closed");
  EXPECT_EQ(after.error().code, Errc::kCancelled);
  const Status again = co_await world.client.connect();
  require(!again, "the client is closed");
  EXPECT_EQ(again.error().code, Errc::kCancelled);
  co_await world.client.close();
}
asio::awaitable<void> hears_goodbye(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_a<wire::ThinClose>();
  co_await connection->receive_end();
}

TEST(ThinCalls, Close_SaysThinCloseAndIsFinal) {
  World world;
  run_both(world.io, closes_client(world), hears_goodbye(world));
}

asio::awaitable<void> closes_while_asking(World& world) {
  must(co_await world.client.connect());
  co_await settle();
  co_await world.client.close();
}
asio::awaitable<void> asks_and_is_ended(World& world, std::optional<Result<std::uint64_t>>& got) {
  using namespace asio::experimental::awaitable_operators;
  co_await (asks_counter(world, got, kDefaultLimit) && closes_while_asking(world));
}
asio::awaitable<void> never_answers(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
  co_await connection->receive_a<wire::ThinClose>();
}

TEST(ThinCalls, Close_EndsWaitingCallers) {
  World world;
  std::optional<Result<std::uint64_t>> got;
  run_both(world.io, asks_and_is_ended(world, got), never_answers(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kCancelled);
}

asio::awaitable<void> watches(World& world, std::vector<std::size_t>& kinds,
                              std::shared_ptr<Subscription> events) {
  must(co_await world.client.connect());
  while (kinds.size() < 7) {
    Event event = must(co_await events->next(milliseconds(10'000)));
    kinds.push_back(event.index());
    const auto* lost = std::get_if<DisconnectedEvent>(&event);
    EXPECT_TRUE(lost == nullptr || lost->orderly);
  }
  const auto none = co_await events->next(milliseconds(1));
  require(!none, "no more events");
  EXPECT_EQ(none.error().code, Errc::kTemporary);
}
asio::awaitable<void> shows_events(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  Greeting offline;
  offline.is_connected = false;
  co_await connection->send(status_event(offline));
  co_await connection->send(document_event(true));
  co_await connection->send(wire::ShutdownEvent{});
  co_await settle();
  connection->close();
}

TEST(ThinEvents, Subscriber_SeesEverythingInOrder) {
  World world;
  std::vector<std::size_t> kinds;
  run_both(world.io, watches(world, kinds, world.client.subscribe()), shows_events(world));
  // Status, document, connected; then status, document, shutdown, disconnected.
  EXPECT_EQ(kinds, (std::vector<std::size_t>{1, 2, 0, 1, 2, 3, 4}));
  EXPECT_FALSE(world.client.is_connected());
}

}  // namespace
}  // namespace taubenpost::thin
