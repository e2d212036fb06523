// The handshake, against a daemon that does everything that thin-protocol 2 allows, and worse.
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "support/fake_daemon.h"
#include "support/thin_work.h"
#include "support/thin_world.h"
#include "thin/client.h"
#include "wire/pki.h"

namespace taubenpost::thin {
namespace {

namespace asio = boost::asio;
using namespace taubenpost::testing;
using std::chrono::milliseconds;

asio::awaitable<void> connects(World& world) {
  must(co_await world.client.connect());
  EXPECT_TRUE(world.client.is_open());
}

asio::awaitable<void> plays_recording(World& world) {
  const auto frames = recorded_frames("handshake");
  const FakeConnectionPtr connection = co_await world.daemon.accept();
  co_await connection->write(frames[0].frame);
  co_await connection->write(frames[1].frame);
  co_await connection->receive_a<wire::SessionToken>();
  co_await connection->write(frames[3].frame);
}

TEST(ThinHandshake, RecordedFrames_Open) {
  World world;
  EXPECT_FALSE(world.client.is_open());
  EXPECT_EQ(world.client.geometry(), nullptr);
  run_both(world.io, connects(world), plays_recording(world));
  ASSERT_NE(world.client.geometry(), nullptr);
  EXPECT_EQ(world.client.geometry()->max_plaintext_payload_length, 1549);
  EXPECT_EQ(world.client.sphinx_geometry()->user_forward_payload_length, 2000);
  EXPECT_EQ(to_hex(*world.client.instance_token()), "b9dce303425a203e92be0fdc32a68dc3");
  ASSERT_NE(world.client.document(), nullptr);
  EXPECT_EQ(world.client.document()->epoch(), 0x260eecu);
  EXPECT_TRUE(world.client.is_connected());
  const auto couriers = world.client.services("courier");
  ASSERT_FALSE(couriers.empty());
  EXPECT_FALSE(couriers[0].queue_id.empty());
  EXPECT_TRUE(world.client.services("nothing").empty());
}

asio::awaitable<void> plays_disorder(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept();
  // Message 2 first, then a stored reply, message 1, and broadcasts before message 4.
  co_await connection->send(document_event(true));
  co_await connection->send(recorded_reply("send_message_echo", 1));
  co_await connection->send(status_event({}));
  co_await connection->receive_a<wire::SessionToken>();
  co_await connection->send(status_event({}));
  co_await connection->send(recorded_reply("resume_stored_reply", 0));
  co_await connection->send(document_event(true));
  co_await connection->send(session_reply(false));
}

TEST(ThinHandshake, AnyFrameOrder_Opens) {
  World world;
  run_both(world.io, connects(world), plays_disorder(world));
}

asio::awaitable<void> closes_after(World& world, int frames) {
  const FakeConnectionPtr first = co_await world.daemon.accept();
  if (frames > 0) co_await first->send(status_event({}));
  if (frames > 1) co_await first->send(document_event(true));
  if (frames > 2) co_await first->receive_a<wire::SessionToken>();
  co_await settle();
  first->close();
  co_await world.daemon.accept_and_greet({});
}

TEST(ThinHandshake, ClosedAtEachStep_IsDialledAgain) {
  for (int frames = 0; frames <= 3; ++frames) {
    World world;
    run_both(world.io, connects(world), closes_after(world, frames));
  }
}

asio::awaitable<void> sends_first(World& world, Bytes bytes) {
  const FakeConnectionPtr first = co_await world.daemon.accept();
  co_await first->write(std::move(bytes));
  co_await first->receive_end();
  co_await world.daemon.accept_and_greet({});
}

TEST(ThinHandshake, Garbage_EndsTheConnectionAndIsDialledAgain) {
  auto status = std::get<wire::ConnectionStatusEvent>(status_event({}));
  status.pigeonhole_geometry.reset();
  std::vector<Bytes> cases = garbage();
  cases.push_back(frame_of(status));  // message 1 without a geometry
  for (const Bytes& bytes : cases) {
    World world;
    run_both(world.io, connects(world), sends_first(world, bytes));
  }
}

asio::awaitable<void> says_shutdown_first(World& world) {
  const FakeConnectionPtr first = co_await world.daemon.accept();
  co_await first->send(wire::ShutdownEvent{});
  first->close();
  co_await world.daemon.accept_and_greet({});
}

TEST(ThinHandshake, ShutdownAsFirstFrame_IsDialledAgain) {
  World world;
  run_both(world.io, connects(world), says_shutdown_first(world));
}

// A short limit may also end a good handshake on a busy machine: then the client dials once more.
asio::awaitable<void> greets_in_the_end(World& world) {
  for (bool greeted = false; !greeted;) {
    const FakeConnectionPtr connection = co_await world.daemon.accept();
    try {
      co_await greet(connection, {});
      greeted = true;
    } catch (const std::runtime_error&) {
      connection->close();
    }
  }
}

asio::awaitable<void> is_silent_after(World& world, int frames) {
  const FakeConnectionPtr first = co_await world.daemon.accept();
  if (frames > 0) co_await first->send(status_event({}));
  if (frames > 1) {
    co_await first->send(document_event(true));
    co_await first->receive_a<wire::SessionToken>();
  }
  co_await first->receive_end();
  co_await greets_in_the_end(world);
}

TEST(ThinHandshake, SilentDaemon_IsGivenUpAndDialledAgain) {
  for (int frames = 0; frames <= 2; ++frames) {
    Timing timing = quick();
    (frames < 2 ? timing.greeting : timing.session_reply) = milliseconds(50);
    World world(timing);
    run_both(world.io, connects(world), is_silent_after(world, frames));
  }
}

asio::awaitable<void> fails_to_connect(Client& client, Errc& code) {
  const Status status = co_await client.connect(milliseconds(20));
  require(!status, "there is no daemon to connect to");
  code = status.error().code;
}
asio::awaitable<void> does_nothing() { co_return; }

TEST(ThinHandshake, NoDaemon_IsDaemonGoneAtTheDeadline) {
  World world;
  Errc code{};
  Client nowhere(world.io.get_executor(),
                 {UnixPath{world.daemon.socket_path() + ".none"}, quick(), 16});
  run_both(world.io, fails_to_connect(nowhere, code), does_nothing());
  EXPECT_EQ(code, Errc::kDaemonGone);
}

asio::awaitable<void> accepts_and_is_silent(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept();
  co_await connection->receive_end();
}
asio::awaitable<void> gives_up_and_closes(World& world, Errc& code) {
  co_await fails_to_connect(world.client, code);
  co_await world.client.close();
}

TEST(ThinHandshake, DaemonThatNeverAnswers_IsDaemonGoneAtTheDeadline) {
  World world;
  Errc code{};
  run_both(world.io, gives_up_and_closes(world, code), accepts_and_is_silent(world));
  EXPECT_EQ(code, Errc::kDaemonGone);
}

asio::awaitable<void> compares_tokens(World& world, std::vector<Bytes16>& tokens) {
  for (int i = 0; i < 2; ++i) {
    const FakeConnectionPtr connection = co_await world.daemon.accept();
    const Bytes16 token = co_await greet(connection, {});
    tokens.push_back(token);
    connection->close();
  }
}

TEST(ThinHandshake, Reconnecting_ShowsTheSameRandomToken) {
  std::vector<Bytes16> tokens;
  for (int i = 0; i < 2; ++i) {
    World world;
    run_both(world.io, connects(world), compares_tokens(world, tokens));
  }
  EXPECT_EQ(tokens[0], tokens[1]);
  EXPECT_EQ(tokens[2], tokens[3]);
  EXPECT_NE(tokens[0], tokens[2]);
}

asio::awaitable<void> asks_counter(World& world) {
  const std::uint64_t counter = must(co_await world.client.message_box_index_counter(BoxIndex{}));
  EXPECT_EQ(counter, 42u);
}
asio::awaitable<void> greets_slowly(World& world) {
  const FakeConnectionPtr connection = co_await world.daemon.accept();
  co_await connection->send(status_event({}));
  co_await connection->receive_nothing();
  co_await connection->send(document_event(true));
  co_await connection->receive_a<wire::SessionToken>();
  co_await connection->receive_nothing();
  co_await connection->send(session_reply(false));
  const auto request = co_await connection->receive_a<wire::GetMessageBoxIndexCounter>();
  co_await connection->send(wire::GetMessageBoxIndexCounterReply{request.query_id, 42, 0});
}

TEST(ThinHandshake, NothingIsSentBeforeTheSessionReply) {
  World world;
  run_both(world.io, asks_counter(world), greets_slowly(world));
}

asio::awaitable<void> connects_client(Client& client) { must(co_await client.connect()); }
asio::awaitable<void> greets_tcp(asio::ip::tcp::acceptor& acceptor) {
  asio::ip::tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
  auto connection = std::make_shared<FakeConnection>(std::move(socket));
  co_await greet(connection, {});
}

TEST(ThinDial, Localhost_IsTriedOnEveryFamily) {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  const std::uint16_t port = acceptor.local_endpoint().port();
  for (const TcpFamily family : {TcpFamily::kAny, TcpFamily::kIpv4}) {
    Client client(io.get_executor(), {TcpAddress{"localhost", port, family}, quick(), 16});
    run_both(io, connects_client(client), greets_tcp(acceptor));
  }
  Errc code{};
  Client other(io.get_executor(), {TcpAddress{"127.0.0.1", port, TcpFamily::kIpv6}, quick(), 16});
  run_both(io, fails_to_connect(other, code), does_nothing());
  EXPECT_EQ(code, Errc::kDaemonGone);
}

asio::awaitable<void> greets_local(asio::local::stream_protocol::acceptor& acceptor) {
  asio::local::stream_protocol::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
  auto connection = std::make_shared<FakeConnection>(std::move(socket));
  co_await greet(connection, {});
}

TEST(ThinDial, AbstractName_HasNoPadding) {
  asio::io_context io;
  const FakeDaemon folder(io);  // its path is a name that no other test has
  const std::string name = folder.socket_path();
  asio::local::stream_protocol::acceptor acceptor(
      io, asio::local::stream_protocol::endpoint(std::string(1, '\0') + name));
  Client client(io.get_executor(), {AbstractName{name}, quick(), 16});
  run_both(io, connects_client(client), greets_local(acceptor));
}

}  // namespace
}  // namespace taubenpost::thin
