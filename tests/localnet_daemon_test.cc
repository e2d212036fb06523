// The daemon front over a real socket: handshake, sessions, hostile bytes, restarts, sockets.
//
// The checklist of thin-protocol 9.2, here and in the files beside this one:
//   1  handshake, nothing in it, stored after it  Handshake_…; BothDaemons.EpochBeginsIn…,
//                                                 AnswerStoredForAnAbsentClient_…
//   2  all keys, geometries, codes                EveryFrame_…; LocalnetRecorded.EveryRecording_…
//   3  40 MiB in and out, only framing ends it    UnreadableFrames_…, WrongSizedCapability_…;
//                                                 LocalCallTest.TombstoneBuilder_…
//   4  local calls never wait, one final reply    BothDaemons.SeventeenWaitingStarts_…; BoxTest.
//                                                 SameStartTwice_…; StartRepeatedAfterAResume_…
//   5  turns, follow-ups first, one for a slot    LocalnetSlots (localnet_time_test.cc)
//   6  grace period, tokens, stored replies       Resumed_…, ShortGraceTest, SameTokenTwice_…;
//                                                 BothDaemons.AnswerForAnAbsentClient_…
//   7  retransmission, copy poll, slots           LocalnetTime.LostPacket_…, Hops_…, Copy_…;
//                                                 BothDaemons.FollowUpThatWaits…
//   8  cancel: queued, running, owner, order      BoxTest.Cancel_…, CancelFromAnotherClient_…;
//                                                 BothDaemons.CancelOfAWaitingStart_…
//   9  courier fields only after the start        BoxTest.IncompleteStarts_…
//  10  shutdown_event to all                      Stop_TellsEveryConnection
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <fstream>
#include <future>
#include <set>

#include "localnet_client.h"
#include "wire/cbor_reader.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

// ---- handshake and sessions --------------------------------------------------------------------

TEST_F(DaemonTest, Handshake_GivesGeometryDocumentAndSession) {
  RawClient client(path());
  const auto status = client.expect<wire::ConnectionStatusEvent>();
  EXPECT_TRUE(status.is_connected);
  ASSERT_TRUE(status.sphinx_geometry && status.pigeonhole_geometry);
  EXPECT_EQ(status.sphinx_geometry->user_forward_payload_length, 2000);
  EXPECT_EQ(status.pigeonhole_geometry->max_plaintext_payload_length, 1549);
  EXPECT_EQ(status.pigeonhole_geometry->courier_query_write_length, 2000);
  const auto document = client.expect<wire::NewPkiDocumentEvent>();
  ASSERT_TRUE(document.payload);
  const auto parsed = wire::parse_pki_document(*document.payload);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->replicas.size(), 5U);
  std::multiset<std::string> services;
  for (const auto& service : parsed->services)
    services.insert(service.capability + "=" + service.endpoint);
  EXPECT_EQ(services.count("courier=courier"), 3U);
  EXPECT_EQ(services.count("echo=+echo"), 3U);
  const auto reply = client.call<wire::SessionTokenReply>(wire::SessionToken{fresh_id()});
  EXPECT_FALSE(reply.resumed);
  ASSERT_TRUE(reply.app_id);
  EXPECT_EQ(reply.app_id->size(), 16U);
}

TEST_F(DaemonTest, EveryFrame_HasAllTopLevelKeys) {
  RawClient client(path());
  for (int i = 0; i < 2; ++i) {
    const auto body = client.receive_body();
    ASSERT_TRUE(body);
    EXPECT_EQ((*body)[0], 0xb8);
    EXPECT_EQ((*body)[1], 25);
    const auto map = wire::read_cbor(*body).value();
    if (i > 0) continue;
    const auto* status = map.find("connection_status_event");
    ASSERT_NE(status, nullptr);
    EXPECT_EQ(status->find("sphinx_geometry")->items.size(), 2U * 14);
    EXPECT_EQ(status->find("pigeonhole_geometry")->items.size(), 2U * 7);
    EXPECT_TRUE(status->find("err")->is(wire::CborValue::Kind::kNull));
  }
}

TEST_F(DaemonTest, AllZeroToken_IsRefused) {
  RawClient client(path());
  client.expect<wire::ConnectionStatusEvent>();
  client.expect<wire::NewPkiDocumentEvent>();
  client.send(wire::SessionToken{});
  EXPECT_TRUE(client.ended());
}

TEST_F(DaemonTest, WithoutToken_RequestsAreAnswered) {
  RawClient client(path());
  client.expect<wire::ConnectionStatusEvent>();
  client.expect<wire::NewPkiDocumentEvent>();
  const auto reply = client.call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)});
  EXPECT_EQ(reply.error_code, 0);
}

TEST_F(DaemonTest, Resumed_TheOperationGoesOnAndItsReplyFollowsTheSessionReply) {
  const Bytes16 token = fresh_id();
  const Pair pair(3);
  auto first = std::make_unique<RawClient>(path());
  EXPECT_FALSE(first->handshake(token).resumed);
  const auto envelope = encrypt_read(*first, pair.read, pair.read.index());
  const auto start = start_read(envelope, pair.read, pair.read.index(), /*wait=*/true);
  first->send(start);
  // The local call proves that the start before it was taken.
  first->call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)});
  first.reset();

  RawClient writer(path());
  writer.handshake();
  EXPECT_EQ(write_box(writer, pair.write, pair.write.index(), "late").error_code, 0);
  RawClient second(path());
  EXPECT_TRUE(second.handshake(token).resumed);
  const auto reply = second.expect<StartReply>();
  EXPECT_EQ(reply.query_id, start.query_id);
  EXPECT_EQ(reply.error_code, 0);
  EXPECT_EQ(as_text(*reply.plaintext), "late");
}

// A read that waits in the session of `token`, whose connection has ended.
wire::StartResendingEncryptedMessage leave_waiting(const std::string& path, const Bytes16& token,
                                                   const Pair& pair) {
  RawClient client(path);
  client.handshake(token);
  const auto envelope = encrypt_read(client, pair.read, pair.read.index());
  const auto start = start_read(envelope, pair.read, pair.read.index(), /*wait=*/true);
  client.send(start);
  // The local call proves that the start before it was taken.
  client.call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)});
  return start;
}

// The published Python client sends what it waits for again after every reconnect, byte for byte.
TEST_F(DaemonTest, StartRepeatedAfterAResume_IsAnsweredOnce) {
  const Bytes16 token = fresh_id();
  const auto start = leave_waiting(path(), token, Pair(3));
  RawClient client(path());
  EXPECT_TRUE(client.handshake(token).resumed);
  client.send(start);
  client.send(wire::CancelResendingEncryptedMessage{fresh_id(), start.envelope_hash});
  const auto reply = client.expect<StartReply>();
  EXPECT_EQ(reply.query_id, start.query_id);
  EXPECT_EQ(reply.error_code, 24);
  client.expect<wire::CancelResendingEncryptedMessageReply>();
}

// The published clients send a caller's request as soon as they have dialled again.
TEST_F(DaemonTest, StartBeforeTheTokenOfAKnownSession_SharesWhatRunsThere) {
  const Bytes16 token = fresh_id();
  const auto start = leave_waiting(path(), token, Pair(3));
  RawClient client(path());
  client.expect<wire::ConnectionStatusEvent>();
  client.expect<wire::NewPkiDocumentEvent>();
  auto early = start;
  early.query_id = fresh_id();
  client.send(early);
  EXPECT_TRUE(client.call<wire::SessionTokenReply>(wire::SessionToken{token}).resumed);
  client.send(wire::CancelResendingEncryptedMessage{fresh_id(), start.envelope_hash});
  EXPECT_EQ(client.expect<StartReply>().query_id, start.query_id);
  EXPECT_EQ(client.expect<StartReply>().query_id, early.query_id);
  client.expect<wire::CancelResendingEncryptedMessageReply>();
}

TEST_F(DaemonTest, SameTokenTwice_TheNewConnectionTakesOverAndStays) {
  const Bytes16 token = fresh_id();
  RawClient first(path());
  first.handshake(token);
  RawClient second(path());
  EXPECT_TRUE(second.handshake(token).resumed);
  EXPECT_TRUE(first.ended());
  EXPECT_EQ(
      second.call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)}).error_code, 0);
}

TEST_F(DaemonTest, TokenRepeatedOnItsConnection_IsAnsweredAsResumed) {
  const Bytes16 token = fresh_id();
  RawClient client(path());
  EXPECT_FALSE(client.handshake(token).resumed);
  EXPECT_TRUE(client.call<wire::SessionTokenReply>(wire::SessionToken{token}).resumed);
}

TEST_F(DaemonTest, ThinClose_ForgetsTheSession) {
  const Bytes16 token = fresh_id();
  RawClient first(path());
  first.handshake(token);
  first.send(wire::ThinClose{});
  EXPECT_TRUE(first.ended());
  RawClient second(path());
  EXPECT_FALSE(second.handshake(token).resumed);
}

class ShortGraceTest : public DaemonTest {
 protected:
  ShortGraceTest() { knobs_.resume_grace = std::chrono::milliseconds(0); }
};

TEST_F(ShortGraceTest, GraceOver_TheSessionIsNew) {
  const Bytes16 token = fresh_id();
  RawClient(path()).handshake(token);
  // Another connection's full exchange comes after the end of the first and its timer.
  RawClient other(path());
  other.handshake();
  RawClient again(path());
  EXPECT_FALSE(again.handshake(token).resumed);
}

TEST_F(DaemonTest, Stop_TellsEveryConnection) {
  RawClient with_session(path()), without(path());
  with_session.handshake();
  without.expect<wire::ConnectionStatusEvent>();
  without.expect<wire::NewPkiDocumentEvent>();
  stop();
  with_session.expect<wire::ShutdownEvent>();
  EXPECT_TRUE(with_session.ended());
  without.expect<wire::ShutdownEvent>();
  EXPECT_TRUE(without.ended());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

class LongFarewellTest : public DaemonTest {
 protected:
  LongFarewellTest() { knobs_.farewell = std::chrono::hours(1); }
};

TEST_F(LongFarewellTest, Stop_TheEndOfTheStreamWaitsForThePeer) {
  RawClient client(path());
  client.handshake();
  asio::post(*io_, [this] { network_->stop(); });
  client.expect<wire::ShutdownEvent>();
  std::promise<void> turned;
  asio::post(*io_, [&turned] { turned.set_value(); });
  ASSERT_EQ(turned.get_future().wait_for(std::chrono::milliseconds(kLimitMs)),
            std::future_status::ready);
  EXPECT_FALSE(client.readable());
  client.close();
  thread_.join();  // nothing is left to wait for
}

// ---- hostile bytes -----------------------------------------------------------------------------

TEST_F(ConnectedTest, WrongSizedCapability_IsAnsweredWithThree) {
  // {"encrypt_read": {"query_id": h'…', "read_cap": h'00'}}
  const Bytes16 id = fresh_id();
  Bytes body{0xa1, 0x6c};
  append(body, as_bytes("encrypt_read"));
  body.push_back(0xa2);
  body.push_back(0x68);
  append(body, as_bytes("query_id"));
  body.push_back(0x50);
  append(body, id);
  body.push_back(0x68);
  append(body, as_bytes("read_cap"));
  append(body, Bytes{0x41, 0x00});
  client_->send_body(body);
  const auto reply = client_->expect<wire::EncryptReadReply>();
  EXPECT_EQ(reply.error_code, 3);
  EXPECT_EQ(reply.query_id, id);
  EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(32)}).error_code, 0);
}

TEST_F(DaemonTest, UnreadableFrames_CostTheConnectionAndNothingElse) {
  const std::vector<Bytes> frames{
      {0, 0, 0, 0},                          // no body
      {0x02, 0x80, 0x00, 0x01},              // one byte over the limit
      {0xff, 0xff, 0xff, 0xff},              // far over it
      {0, 0, 0, 1, 0x80},                    // an array
      {0, 0, 0, 1, 0xa1},                    // cut off
      {0, 0, 0, 2, 0xa0, 0xa0},              // something behind the item
      {0, 0, 0, 4, 0x9b, 0xff, 0xff, 0xff},  // a claimed length
  };
  for (const Bytes& frame : frames) {
    RawClient client(path());
    client.handshake();
    client.send_raw(frame);
    EXPECT_TRUE(client.ended());
  }
  RawClient client(path());
  EXPECT_FALSE(client.handshake().resumed);
}

TEST_F(ConnectedTest, EmptyAndNullFrames_AreIgnored) {
  client_->send_body(Bytes{0xf6});
  client_->send_body(Bytes{0xf7});
  client_->send_body(Bytes{0xa0});
  EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(32)}).error_code, 0);
}

TEST_F(DaemonTest, HalfAFrameThenTheEnd_IsHarmless) {
  {
    RawClient client(path());
    client.handshake();
    client.send_raw(Bytes{0x02, 0x80, 0x00, 0x00, 1, 2, 3});
  }
  RawClient client(path());
  EXPECT_FALSE(client.handshake().resumed);
}

// ---- restarts, files ---------------------------------------------------------------------------

TEST_F(DaemonTest, KilledAndStartedAgain_BoxesAndIdentityAreThere) {
  const Pair pair(8);
  std::vector<Bytes32> authorities;
  Bytes16 instance{};
  const auto identity = [](RawClient& client) {
    std::vector<Bytes32> out;
    const auto reply =
        client.call<wire::GetDirectoryAuthoritiesReply>(wire::GetDirectoryAuthorities{fresh_id()});
    for (const auto& authority : *reply.authorities) out.push_back(authority.identity_key_hash);
    return out;
  };
  std::optional<wire::EncryptReadReply> prepared;
  {
    RawClient client(path());
    instance = client.expect<wire::ConnectionStatusEvent>().instance_token;
    client.expect<wire::NewPkiDocumentEvent>();
    client.call<wire::SessionTokenReply>(wire::SessionToken{fresh_id()});
    EXPECT_EQ(write_box(client, pair.write, pair.write.index(), "kept").error_code, 0);
    authorities = identity(client);
    prepared = encrypt_read(client, pair.read, pair.read.index());
  }
  kill();
  start();
  RawClient client(path());
  EXPECT_NE(client.expect<wire::ConnectionStatusEvent>().instance_token, instance);
  client.expect<wire::NewPkiDocumentEvent>();
  client.call<wire::SessionTokenReply>(wire::SessionToken{fresh_id()});
  EXPECT_EQ(identity(client), authorities);
  EXPECT_EQ(as_text(*read_box(client, pair.read, pair.read.index()).plaintext), "kept");
  // An envelope from before the restart is still good.
  const auto old = client.call<StartReply>(start_read(*prepared, pair.read, pair.read.index()));
  EXPECT_EQ(as_text(*old.plaintext), "kept");
}

TEST_F(DaemonTest, SocketAndConfig_AreAsDocumented) {
  struct stat info{};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  std::ifstream config(folder_.path() + "/thinclient.toml");
  const std::string text((std::istreambuf_iterator<char>(config)),
                         std::istreambuf_iterator<char>());
  EXPECT_NE(text.find("[Dial.Unix]"), std::string::npos);
  EXPECT_NE(text.find("Address = '" + path() + "'"), std::string::npos) << text;
}

TEST_F(DaemonTest, SecondNetworkOnTheFolderOrSocket_IsRefused) {
  asio::io_context io;
  const auto same_folder = LocalNetwork::start(io, options());
  ASSERT_FALSE(same_folder);
  EXPECT_EQ(same_folder.error().code, Errc::kLocked);
  auto elsewhere = options();
  elsewhere.data_dir = folder_.path() + "/other";
  const auto same_socket = LocalNetwork::start(io, elsewhere);
  ASSERT_FALSE(same_socket);
  EXPECT_EQ(same_socket.error().code, Errc::kLocked);
}

TEST_F(DaemonTest, DeadSocketFile_IsReplaced) {
  stop();
  {
    asio::io_context io;
    Local::acceptor dead(io, Local::endpoint(path()));
  }
  ASSERT_TRUE(std::filesystem::exists(path()));
  start();
  RawClient client(path());
  EXPECT_FALSE(client.handshake().resumed);
}

TEST_F(DaemonTest, UnsafePlaces_AreRefused) {
  stop();
  asio::io_context io;
  auto wanted = options();
  const auto code_of = [&](const std::string& listen) {
    wanted.listen = listen;
    const auto result = LocalNetwork::start(io, wanted);
    return result ? std::optional<Errc>() : result.error().code;
  };
  const std::string open = folder_.path() + "/open";
  std::filesystem::create_directory(open);
  std::filesystem::permissions(open, std::filesystem::perms::all);
  EXPECT_EQ(code_of("unix:" + open + "/daemon.sock"), Errc::kRefused);
  std::ofstream(folder_.path() + "/file") << "precious";
  EXPECT_EQ(code_of("unix:" + folder_.path() + "/file"), Errc::kRefused);
  EXPECT_EQ(code_of("tcp:0.0.0.0:0"), Errc::kRefused);
  EXPECT_EQ(code_of("tcp:192.0.2.1:0"), Errc::kRefused);
  EXPECT_EQ(code_of("tcp:example:1"), Errc::kUsage);
  EXPECT_EQ(code_of("unix:"), Errc::kUsage);
  EXPECT_EQ(code_of("somewhere"), Errc::kUsage);
}

TEST_F(DaemonTest, TcpOnLoopback_IsReachable) {
  stop();
  asio::io_context io(1);
  auto wanted = options();
  wanted.listen = "tcp:127.0.0.1:0";
  auto network = LocalNetwork::start(io, wanted);
  ASSERT_TRUE(network) << network.error().what;
  const std::string& address = (*network)->address();
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  std::thread thread([&io] { io.run(); });
  {
    asio::io_context client_io;
    asio::ip::tcp::socket socket(client_io);
    socket.connect({asio::ip::make_address("127.0.0.1"), port});
    Bytes header(4);
    asio::read(socket, asio::buffer(header));
    EXPECT_GT(read_be<std::uint32_t>(header), 100U);
  }
  asio::post(io, [&] { (*network)->stop(); });
  thread.join();
}

TEST_F(DaemonTest, Ctl_AnswersAuditAndRefusesTheRest) {
  EXPECT_EQ(audit()["packets"], 0);
  const auto unknown = ctl_request(options().data_dir, "no such thing");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kRejected);
  const auto nobody = ctl_request(folder_.path(), "audit");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace taubenpost::localnet
