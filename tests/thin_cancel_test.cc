// How starts end early: by their limit, by a cancel, by a cancelled caller; and copy commands.
#include <gtest/gtest.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "crypto/hash.h"
#include "support/fake_daemon.h"
#include "support/thin_starts.h"
#include "support/thin_world.h"
#include "thin/client.h"
#include "wire/pki.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using namespace asio::experimental::awaitable_operators;
using std::chrono::milliseconds;
asio::awaitable<void> connects_then(World& world, asio::awaitable<void> next) {
  must(co_await world.client.connect());
  co_await std::move(next);
}

asio::awaitable<void> stays_offline(World& world, FakeConnectionPtr& connection) {
  Greeting offline;
  offline.is_connected = false;
  connection = co_await world.daemon.accept_and_greet(offline);
  co_await connection->receive_nothing();
}

TEST(ThinLimits, WriteHeldBackOffline_IsTemporary) {
  World world;
  Got got;
  FakeConnectionPtr kept_open;
  run_both(world.io, connects_then(world, writes(world, 1, got, milliseconds(30))),
           stays_offline(world, kept_open));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kTemporary);
}

asio::awaitable<void> is_not_there(World&) { co_return; }

TEST(ThinLimits, WriteWithoutADaemon_IsDaemonGone) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got, milliseconds(30)), is_not_there(world));
  ASSERT_FALSE(*got);
  EXPECT_EQ(got->error().code, Errc::kDaemonGone);
}

asio::awaitable<void> settles() { co_await settle(); }
asio::awaitable<void> abandons_write(World& world) {
  Got got;
  must(co_await world.client.connect());
  co_await (writes(world, 1, got) || settles());
  require(got.has_value() && !*got, "the caller was cancelled");
  EXPECT_EQ(got->error().code, Errc::kCancelled);
  // The hash is free again, and the cancel goes out ahead of the new start.
  co_await writes(world, 1, got);
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kOk);
}
asio::awaitable<void> sees_abandoned_write(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  const Start again = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, with_code(24));
  co_await answer(connection, cancel.query_id, CancelReply{});
  co_await answer(connection, again.query_id, with_code(0));
}

TEST(ThinCancel, CancelledCaller_SendsTheCancel) {
  World world;
  run_both(world.io, abandons_write(world), sees_abandoned_write(world));
}

asio::awaitable<void> cancels(World& world, std::uint8_t number) {
  co_await settle();
  must(co_await world.client.cancel(envelope_of(number).hash));
}
asio::awaitable<void> writes_and_cancels(World& world, Got& got) {
  must(co_await world.client.connect());
  co_await (writes(world, 1, got) && cancels(world, 1));
}
asio::awaitable<void> answers_cancel(World& world, bool says_24) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  EXPECT_EQ(cancel.envelope_hash, start.envelope_hash);
  if (says_24) co_await answer(connection, start.query_id, with_code(24));
  co_await answer(connection, cancel.query_id, CancelReply{});
  co_await connection->receive_nothing();
}

TEST(ThinCancel, CancelByHash_EndsTheCallerWithOrWithoutA24) {
  for (const bool says_24 : {true, false}) {
    World world;
    Got got;
    run_both(world.io, writes_and_cancels(world, got), answers_cancel(world, says_24));
    const ResendResult result = must(std::move(*got));
    EXPECT_EQ(result.kind, ResendKind::kCancelled);
    EXPECT_EQ(result.code, wire::thin_code(24));
  }
}

asio::awaitable<void> cancels_without_connection(World& world,
                                                 std::shared_ptr<Subscription> events) {
  for (bool is_gone = false; !is_gone;) {
    const Event event = must(co_await events->next(std::chrono::minutes(1)));
    is_gone = std::holds_alternative<DisconnectedEvent>(event);
  }
  must(co_await world.client.cancel(envelope_of(1).hash));
}
asio::awaitable<void> writes_and_loses_the_daemon(World& world, Got& got) {
  must(co_await world.client.connect());
  const std::shared_ptr<Subscription> events = world.client.subscribe();
  co_await (writes(world, 1, got) && cancels_without_connection(world, events));
}
asio::awaitable<void> comes_back_resumed(World& world) {
  const auto [second, start] = co_await lost_after_a_start(world, resumed());
  const Cancel cancel = co_await second->receive_a<Cancel>();
  EXPECT_EQ(cancel.envelope_hash, start.envelope_hash);
  co_await answer(second, cancel.query_id, CancelReply{});
  co_await second->receive_nothing();  // above all no start
}

TEST(ThinCancel, CancelWhileDisconnected_IsSentLaterAndNothingIsStartedAgain) {
  World world;
  Got got;
  run_both(world.io, writes_and_loses_the_daemon(world, got), comes_back_resumed(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kCancelled);
}

asio::awaitable<void> cancels_unknown(World& world) {
  must(co_await world.client.cancel(Bytes32{3}));
  must(co_await world.client.cancel_copy(Bytes32{3}));
}
asio::awaitable<void> answers_unknown(World& world) {
  Greeting offline;  // cancels are local: the mixnet link does not matter
  offline.is_connected = false;
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet(offline);
  const Cancel cancel = co_await connection->receive_a<Cancel>();
  co_await answer(connection, cancel.query_id, CancelReply{});
  const CopyCancel copy = co_await connection->receive_a<CopyCancel>();
  co_await answer(connection, copy.query_id, CopyCancelReply{});
}

TEST(ThinCancel, UnknownOperation_Succeeds) {
  World world;
  run_both(world.io, cancels_unknown(world), answers_unknown(world));
}

asio::awaitable<void> is_cancelled_by_others(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const Start start = co_await connection->receive_a<Start>();
  co_await answer(connection, start.query_id, with_code(24));
}

TEST(ThinCancel, UnaskedFor24_ReachesTheCaller) {
  World world;
  Got got;
  run_both(world.io, writes(world, 1, got), is_cancelled_by_others(world));
  EXPECT_EQ(must(std::move(*got)).kind, ResendKind::kCancelled);
}

// --- copies ---

ServiceId first_courier() {
  const auto event = std::get<wire::NewPkiDocumentEvent>(document_event(true));
  return must(Document::parse(*event.payload)).services("courier").at(0);
}

asio::awaitable<void> copies(World& world, ServiceId courier,
                             std::optional<Result<CopyResult>>& got) {
  const WriteCap cap = some_cap();
  got.emplace(co_await world.client.start_copy(cap, courier));
}
asio::awaitable<void> fails_copy(World& world, ServiceId courier) {
  const FakeConnectionPtr first = co_await world.daemon.accept_and_greet({});
  co_await first->receive_a<CopyStart>();
  first->close();
  const FakeConnectionPtr second = co_await world.daemon.accept_and_greet(resumed());
  const CopyCancel cancel = co_await second->receive_a<CopyCancel>();
  EXPECT_EQ(cancel.write_cap_hash, crypto::blake2b_256(some_cap().view()));
  co_await answer(second, cancel.query_id, CopyCancelReply{});
  const CopyStart again = co_await second->receive_a<CopyStart>();
  EXPECT_TRUE(equal(*again.write_cap, some_cap().view()));
  EXPECT_EQ(again.courier_identity_hash.value, courier.identity_hash);
  EXPECT_EQ(again.courier_queue_id.value, courier.queue_id);
  co_await answer(second, again.query_id,
                  std::get<CopyReply>(recorded_reply("copy_command_failed")));
}

TEST(ThinCopy, ResumedSession_KeepsThePinAndTellsTheFailure) {
  World world;
  std::optional<Result<CopyResult>> got;
  const ServiceId courier = first_courier();
  run_both(world.io, copies(world, courier, got), fails_copy(world, courier));
  const CopyResult result = must(std::move(*got));
  EXPECT_EQ(result.kind, CopyKind::kFailed);
  EXPECT_EQ(result.code, wire::thin_code(26));
  EXPECT_EQ(result.replica, wire::replica_code(10));
  EXPECT_EQ(result.failed_envelope, 1u);
}

asio::awaitable<void> strands_copy(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const CopyStart start = co_await connection->receive_a<CopyStart>();
  // A document without this courier: the daemon would try for ever.
  co_await connection->send(document_event(true));
  const CopyCancel cancel = co_await connection->receive_a<CopyCancel>();
  CopyReply cancelled;
  cancelled.error_code = 24;
  co_await answer(connection, start.query_id, cancelled);
  co_await answer(connection, cancel.query_id, CopyCancelReply{});
  const CopyStart again = co_await connection->receive_a<CopyStart>();
  CopyReply not_listed;
  not_listed.error_code = 4;
  co_await answer(connection, again.query_id, not_listed);
}

TEST(ThinCopy, CourierThatLeftTheDocument_IsAskedForAgainAtOnce) {
  World world;
  std::optional<Result<CopyResult>> got;
  const ServiceId unlisted{Bytes32{1}, Bytes{'q'}};
  run_both(world.io, copies(world, unlisted, got), strands_copy(world));
  EXPECT_EQ(must(std::move(*got)).kind, CopyKind::kNotStarted);
}

asio::awaitable<void> answers_copy(World& world, std::string vector) {
  const FakeConnectionPtr connection = co_await world.daemon.accept_and_greet({});
  const CopyStart start = co_await connection->receive_a<CopyStart>();
  co_await answer(connection, start.query_id, std::get<CopyReply>(recorded_reply(vector)));
}

TEST(ThinCopy, RecordedOutcomes_AreSorted) {
  const std::pair<const char*, CopyKind> cases[] = {{"copy_command", CopyKind::kSucceeded},
                                                    {"copy_command_errors", CopyKind::kNotStarted},
                                                    {"cancel_copy_command", CopyKind::kCancelled}};
  for (const auto& [vector, kind] : cases) {
    World world;
    std::optional<Result<CopyResult>> got;
    run_both(world.io, copies(world, first_courier(), got), answers_copy(world, vector));
    EXPECT_EQ(must(std::move(*got)).kind, kind) << vector;
  }
}

}  // namespace
}  // namespace taubenpost::thin
