// The daemon front over a real socket: handshake, every request, cancels, resume, hostile bytes.
#include <poll.h>
#include <sys/stat.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "bacap/wire.h"
#include "base/random.h"
#include "crypto/curve.h"
#include "crypto/hash.h"
#include "localnet/localnet.h"
#include "localnet_testing.h"
#include "wire/cbor_reader.h"
#include "wire/errors.h"
#include "wire/frame.h"
#include "wire/pki.h"

namespace taubenpost::localnet {
namespace {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using wire::Response;

constexpr int kLimitMs = 60'000;

Bytes16 fresh_id() { return random_array<16>(); }

// One connection that speaks in whole frames. Every wait has a limit.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : socket_(io_) {
    boost::system::error_code error;
    socket_.connect(Local::endpoint(path), error);
    EXPECT_FALSE(error) << error.message();
  }

  void send(const wire::Request& request) { send_raw(wire::encode_request(request)->view()); }
  void send_body(ByteView body) {
    Bytes frame;
    append_be(frame, static_cast<std::uint32_t>(body.size()));
    append(frame, body);
    send_raw(frame);
  }
  void send_raw(ByteView bytes) {
    boost::system::error_code error;  // the daemon may have hung up, which the reader will see
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), error);
  }

  // The next frame's body; nothing at the end of the stream.
  std::optional<Bytes> receive_body() {
    const auto header = receive_exactly(4);
    if (!header) return std::nullopt;
    return receive_exactly(read_be<std::uint32_t>(*header));
  }
  std::optional<Response> receive() {
    const auto body = receive_body();
    if (!body) return std::nullopt;
    auto response = wire::decode_response(*body);
    EXPECT_TRUE(response);
    return std::move(response).value();
  }
  // The next frame, which has to be a T.
  template <class T>
  T expect() {
    const auto response = receive();
    EXPECT_TRUE(response && std::holds_alternative<T>(*response)) << T::kKey;
    return response && std::holds_alternative<T>(*response) ? std::get<T>(*response) : T{};
  }
  template <class T>
  T call(const wire::Request& request) {
    send(request);
    return expect<T>();
  }
  bool ended() { return !receive_body(); }

  wire::SessionTokenReply handshake(const Bytes16& token = fresh_id()) {
    expect<wire::ConnectionStatusEvent>();
    expect<wire::NewPkiDocumentEvent>();
    return call<wire::SessionTokenReply>(wire::SessionToken{token});
  }
  void close() { socket_.close(); }

 private:
  std::optional<Bytes> receive_exactly(std::size_t size) {
    Bytes out(size);
    std::size_t done = 0;
    while (done < size) {
      pollfd wait{socket_.native_handle(), POLLIN, 0};
      if (::poll(&wait, 1, kLimitMs) != 1) {
        ADD_FAILURE() << "no frame in time";
        return std::nullopt;
      }
      boost::system::error_code error;
      done += socket_.read_some(asio::buffer(out.data() + done, size - done), error);
      if (error) return std::nullopt;
    }
    return out;
  }

  asio::io_context io_;
  Local::socket socket_;
};

class DaemonTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override { stop(); }

  std::string path() const { return folder_.path() + "/daemon.sock"; }
  Options options() const {
    Options out;
    out.listen = "unix:" + path();
    out.data_dir = folder_.path() + "/data";
    out.thin_config_path = folder_.path() + "/thinclient.toml";
    out.timing = timing_;
    return out;
  }
  void start() {
    io_ = std::make_unique<asio::io_context>(1);
    auto network = LocalNetwork::start(*io_, options());
    ASSERT_TRUE(network) << network.error().what;
    network_ = std::move(network).value();
    thread_ = std::thread([this] { io_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    asio::post(*io_, [this] { network_->stop(); });
    thread_.join();
    network_.reset();
  }
  void restart() {
    stop();
    start();
  }
  // No farewell: what a SIGKILL leaves behind.
  void kill() {
    asio::post(*io_, [this] { network_.reset(); });
    thread_.join();
  }
  nlohmann::json audit() const {
    return nlohmann::json::parse(ctl_request(options().data_dir, "audit").value());
  }

  TempFolder folder_;
  // The courier looks only five times for the same missing box: slow enough for a busy machine.
  Timing timing_{.copy_poll = std::chrono::milliseconds(20),
                 .not_found_poll = std::chrono::milliseconds(3'000)};
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<LocalNetwork> network_;
  std::thread thread_;
};

// A client with one sequence to write and read.
struct Pair {
  explicit Pair(std::uint8_t seed) : write(cap_of(seed)), read(write.read_cap()) {}
  bacap::WriteCap write;
  bacap::ReadCap read;
};

wire::OptWriteCap bytes_of(const bacap::WriteCap& cap) {
  return to_array<bacap::kWriteCapSize>(cap.view());
}

wire::EncryptWriteReply encrypt_write(RawClient& client, const bacap::WriteCap& cap,
                                      const bacap::MessageBoxIndex& index, Bytes plaintext) {
  return client.call<wire::EncryptWriteReply>(
      wire::EncryptWrite{fresh_id(), std::move(plaintext), bytes_of(cap), index.bytes()});
}
wire::EncryptReadReply encrypt_read(RawClient& client, const bacap::ReadCap& cap,
                                    const bacap::MessageBoxIndex& index) {
  return client.call<wire::EncryptReadReply>(
      wire::EncryptRead{fresh_id(), cap.bytes(), index.bytes()});
}

enum class Level { kAcknowledged, kConfirmed };

wire::StartResendingEncryptedMessage start_of(const wire::EncryptReply& envelope) {
  wire::StartResendingEncryptedMessage start;
  start.query_id = fresh_id();
  start.message_ciphertext = envelope.message_ciphertext;
  start.envelope_descriptor = envelope.envelope_descriptor;
  start.envelope_hash = envelope.envelope_hash;
  return start;
}
wire::StartResendingEncryptedMessage start_write(const wire::EncryptReply& envelope,
                                                 const bacap::WriteCap& cap, Level level) {
  auto start = start_of(envelope);
  start.write_cap = bytes_of(cap);
  start.no_idempotent_box_already_exists.value = level == Level::kConfirmed;
  return start;
}
wire::StartResendingEncryptedMessage start_read(const wire::EncryptReply& envelope,
                                                const bacap::ReadCap& cap,
                                                const bacap::MessageBoxIndex& index,
                                                bool wait = false) {
  auto start = start_of(envelope);
  start.read_cap = cap.bytes();
  start.message_box_index = Bytes(index.bytes().begin(), index.bytes().end());
  start.no_retry_on_box_id_not_found.value = !wait;
  return start;
}

using StartReply = wire::StartResendingEncryptedMessageReply;

StartReply write_box(RawClient& client, const bacap::WriteCap& cap,
                     const bacap::MessageBoxIndex& index, std::string_view text,
                     Level level = Level::kConfirmed) {
  const auto envelope = encrypt_write(client, cap, index, to_bytes(as_bytes(text)));
  return client.call<StartReply>(start_write(envelope, cap, level));
}
StartReply read_box(RawClient& client, const bacap::ReadCap& cap,
                    const bacap::MessageBoxIndex& index) {
  return client.call<StartReply>(start_read(encrypt_read(client, cap, index), cap, index));
}

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
  ShortGraceTest() { timing_.resume_grace = std::chrono::milliseconds(0); }
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

// ---- local calls -------------------------------------------------------------------------------

class LocalCallTest : public DaemonTest {
 protected:
  void SetUp() override {
    DaemonTest::SetUp();
    client_ = std::make_unique<RawClient>(path());
    client_->handshake();
  }
  template <class Reply, class Request>
  Reply call(Request request) {
    request.query_id = fresh_id();
    auto reply = client_->call<Reply>(request);
    EXPECT_EQ(reply.query_id, request.query_id);
    return reply;
  }

  std::unique_ptr<RawClient> client_;
  const Pair pair_{5};
};

TEST_F(LocalCallTest, NewKeypair_IsDeterministicAndChecksTheSeed) {
  const auto reply = call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(32, 5)});
  EXPECT_EQ(reply.error_code, 0);
  EXPECT_EQ(reply.write_cap, bytes_of(pair_.write));
  EXPECT_EQ(reply.read_cap, pair_.read.bytes());
  EXPECT_EQ(reply.first_message_index, pair_.read.index().bytes());
  for (const std::size_t size : {0, 31, 33, 64})
    EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(size)}).error_code, 3);
  EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{}).error_code, 3);
}

TEST_F(LocalCallTest, NextIndexAndCounter_MatchTheSequence) {
  const auto index = pair_.write.index();
  const auto next =
      call<wire::NextMessageBoxIndexReply>(wire::NextMessageBoxIndex{{}, index.bytes()});
  EXPECT_EQ(next.next_message_box_index, index.next()->bytes());
  const auto counter = call<wire::GetMessageBoxIndexCounterReply>(
      wire::GetMessageBoxIndexCounter{{}, index.bytes()});
  EXPECT_EQ(counter.counter, index.counter());
  bacap::IndexBytes last{};
  std::fill_n(last.begin(), 8, 0xff);
  EXPECT_EQ(call<wire::NextMessageBoxIndexReply>(wire::NextMessageBoxIndex{{}, last}).error_code,
            4);
  EXPECT_EQ(call<wire::NextMessageBoxIndexReply>(wire::NextMessageBoxIndex{}).error_code, 3);
}

TEST_F(LocalCallTest, EncryptCalls_CheckTheirArguments) {
  const auto index = pair_.write.index();
  const auto write = [&](Bytes plaintext) {
    return call<wire::EncryptWriteReply>(
        wire::EncryptWrite{{}, std::move(plaintext), bytes_of(pair_.write), index.bytes()});
  };
  const auto good = write(Bytes(1549, 1));
  EXPECT_EQ(good.error_code, 0);
  EXPECT_EQ(good.message_ciphertext->size(), 2000U);
  EXPECT_EQ(good.next_message_box_index, index.next()->bytes());
  EXPECT_EQ(write(Bytes()).message_ciphertext->size(), 2000U);
  EXPECT_EQ(write(Bytes(1550, 1)).error_code, 3);
  EXPECT_EQ(call<wire::EncryptWriteReply>(wire::EncryptWrite{}).error_code, 3);
  EXPECT_EQ(call<wire::EncryptReadReply>(wire::EncryptRead{}).error_code, 3);
  // The same box in two envelopes is two operations.
  EXPECT_NE(write(Bytes(10, 1)).envelope_hash, write(Bytes(10, 1)).envelope_hash);
}

TEST_F(LocalCallTest, CapabilityWhoseHalvesDiffer_IsRefused) {
  auto cap = *bytes_of(pair_.write);
  cap[0] ^= 1;
  const auto reply = call<wire::EncryptWriteReply>(
      wire::EncryptWrite{{}, Bytes(1), cap, pair_.write.index().bytes()});
  EXPECT_EQ(reply.error_code, 3);
}

TEST_F(LocalCallTest, PkiDocument_IsSignedByTheAuthorities) {
  const auto reply = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{});
  ASSERT_EQ(reply.error_code, 0);
  const auto top = wire::read_cbor(*reply.payload).value();
  const Bytes certified = top.find("Certified")->bytes;
  EXPECT_EQ(wire::parse_pki_document(certified)->epoch, reply.epoch);
  Bytes message;
  append_le(message, std::uint32_t{0});
  append_le(message, top.find("Expiration")->number);
  append(message, as_bytes(top.find("KeyType")->text()));
  append(message, certified);
  const auto authorities =
      call<wire::GetDirectoryAuthoritiesReply>(wire::GetDirectoryAuthorities{});
  ASSERT_TRUE(authorities.authorities);
  ASSERT_EQ(authorities.authorities->size(), 3U);
  std::set<Bytes32> signers;
  const auto& signatures = top.find("Signatures")->items;
  for (std::size_t i = 0; i < signatures.size(); i += 2)
    signers.insert(to_array<32>(signatures[i].bytes));
  for (const auto& authority : *authorities.authorities) {
    EXPECT_TRUE(signers.contains(authority.identity_key_hash));
    const auto& pem = authority.identity_public_key_pem;
    const auto begin = pem.find('\n') + 1;
    const auto key = from_base64(pem.substr(begin, pem.find('\n', begin) - begin)).value();
    EXPECT_EQ(crypto::blake2b_256(key), authority.identity_key_hash);
    for (std::size_t i = 0; i < signatures.size(); i += 2) {
      if (!equal(signatures[i].bytes, authority.identity_key_hash)) continue;
      EXPECT_TRUE(crypto::ed25519_verify(key, message, signatures[i + 1].find("Payload")->bytes));
    }
  }
}

TEST_F(LocalCallTest, PkiDocumentOfAFarEpoch_IsUnavailable) {
  const auto current = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{}).epoch;
  EXPECT_EQ(call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{{}, current + 1}).error_code, 0);
  const auto far = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{{}, current + 2});
  EXPECT_EQ(far.error_code, 10);
  EXPECT_EQ(far.epoch, current + 2);
}

TEST_F(LocalCallTest, Vouchers_AreNotAvailable) {
  EXPECT_EQ(call<wire::VoucherMintReply>(wire::VoucherMint{}).error_code, 4);
  EXPECT_EQ(call<wire::VoucherInductReply>(wire::VoucherInduct{}).error_code, 4);
  EXPECT_EQ(call<wire::VoucherOpenReply>(wire::VoucherOpen{}).error_code, 4);
  EXPECT_EQ(call<wire::VoucherDeriveStreamReply>(wire::VoucherDeriveStream{}).error_code, 4);
}

TEST_F(LocalCallTest, PayloadBuilder_CutsAndMarksTheStream) {
  wire::CreateCourierEnvelopesFromPayload request;
  request.payload = Bytes(1545 * 2 + 1, 9);
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.is_start = request.is_last = true;
  const auto reply = call<wire::CreateCourierEnvelopesFromPayloadReply>(request);
  ASSERT_EQ(reply.error_code, 0);
  ASSERT_TRUE(reply.envelopes);
  ASSERT_EQ(reply.envelopes->size(), 4U);  // n = 3 in pigeonhole 5.6
  EXPECT_EQ(reply.envelopes->front()->front(), 0x01);
  EXPECT_EQ(reply.envelopes->back()->front(), 0x02);
  EXPECT_EQ(reply.envelopes->back()->size(), 1382U);
  const auto next = pair_.write.index().advanced_to(pair_.write.index().counter() + 3, 3);
  EXPECT_EQ(reply.next_dest_index, next->bytes());
  request.payload = std::nullopt;
  const auto empty = call<wire::CreateCourierEnvelopesFromPayloadReply>(request);
  EXPECT_EQ(empty.error_code, 0);
  EXPECT_FALSE(empty.envelopes);
  EXPECT_EQ(empty.next_dest_index, request.dest_start_index);
  request.payload = Bytes(10'485'761);
  EXPECT_EQ(call<wire::CreateCourierEnvelopesFromPayloadReply>(request).error_code, 3);
  request.dest_write_cap.reset();
  EXPECT_EQ(call<wire::CreateCourierEnvelopesFromPayloadReply>(request).error_code, 3);
}

TEST_F(LocalCallTest, TombstoneBuilder_ZeroDropsTheBufferAndTooManyAreRefused) {
  wire::CreateCourierEnvelopesFromTombstoneRange request;
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.is_last = true;
  request.buffer = Bytes(100);
  const auto none = call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request);
  EXPECT_EQ(none.error_code, 0);
  EXPECT_FALSE(none.envelopes);
  EXPECT_FALSE(none.buffer);
  EXPECT_EQ(none.next_dest_index, request.dest_start_index);
  request.max_count = 0xffffffff;
  EXPECT_EQ(call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request).error_code, 27);
  request.max_count = 2;
  request.buffer.reset();
  request.is_last = false;
  const auto two = call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request);
  EXPECT_EQ(two.envelopes->size(), 2U);
  EXPECT_EQ(two.buffer->size(), 2U * 2003 - 2 * 1544);
}

TEST_F(LocalCallTest, LongBuild_DoesNotHoldUpAnotherConnection) {
  wire::CreateCourierEnvelopesFromTombstoneRange request;
  request.query_id = fresh_id();
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.max_count = 2000;
  RawClient other(path());
  other.handshake();
  client_->send(request);
  const auto before = audit()["envelopes_built"].get<int>();
  other.call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)});
  EXPECT_LT(audit()["envelopes_built"].get<int>(), 2000) << "started from " << before;
  EXPECT_EQ(client_->expect<wire::CreateCourierEnvelopesFromTombstoneRangeReply>().error_code, 0);
}

// ---- reads and writes --------------------------------------------------------------------------

class BoxTest : public LocalCallTest {};

TEST_F(BoxTest, ConfirmedWrite_IsReadBack) {
  const auto written = write_box(*client_, pair_.write, pair_.write.index(), "hello");
  EXPECT_EQ(written.error_code, 0);
  EXPECT_FALSE(written.plaintext);
  ASSERT_TRUE(written.courier_identity_hash && written.courier_queue_id);
  EXPECT_EQ(as_text(*written.courier_queue_id), "courier");
  const auto read = read_box(*client_, pair_.read, pair_.read.index());
  EXPECT_EQ(read.error_code, 0);
  EXPECT_EQ(as_text(*read.plaintext), "hello");
  EXPECT_TRUE(read.courier_identity_hash);
}

TEST_F(BoxTest, AcknowledgedWrite_TakesOnePacketAndIsStored) {
  const auto before = audit()["packets"].get<int>();
  EXPECT_EQ(
      write_box(*client_, pair_.write, pair_.write.index(), "x", Level::kAcknowledged).error_code,
      0);
  EXPECT_EQ(audit()["packets"].get<int>(), before + 1);
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto read = client_->call<StartReply>(
      start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true));
  EXPECT_EQ(as_text(*read.plaintext), "x");
}

TEST_F(BoxTest, MissingBox_IsToldOrWaitedFor) {
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 1);
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto waiting = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  client_->send(waiting);
  RawClient writer(path());
  writer.handshake();
  EXPECT_EQ(write_box(writer, pair_.write, pair_.write.index(), "now").error_code, 0);
  const auto reply = client_->expect<StartReply>();
  EXPECT_EQ(reply.query_id, waiting.query_id);
  EXPECT_EQ(as_text(*reply.plaintext), "now");
}

TEST_F(BoxTest, TakenBox_IsAConflictOnlyWhenConfirmed) {
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "one").error_code, 0);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "one").error_code, 0);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "two").error_code, 10);
  EXPECT_EQ(
      write_box(*client_, pair_.write, pair_.write.index(), "two", Level::kAcknowledged).error_code,
      0);
  EXPECT_EQ(as_text(*read_box(*client_, pair_.read, pair_.read.index()).plaintext), "one");
  EXPECT_GT(audit()["conflicting_writes"].get<int>(), 0);
}

TEST_F(BoxTest, Tombstone_IsReadAsElevenAndBlocksWrites) {
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "gone").error_code, 0);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "").error_code, 0);
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 11);
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "back").error_code, 10);
}

TEST_F(BoxTest, ReadUnderAWrongIndex_DoesNotDecrypt) {
  EXPECT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "hello").error_code, 0);
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto reply = client_->call<StartReply>(
      start_read(envelope, pair_.read, pair_.read.index().next().value()));
  EXPECT_EQ(reply.error_code, 23);
  EXPECT_TRUE(reply.courier_identity_hash);
}

TEST_F(BoxTest, EpochOutOfTheWindow_IsTold) {
  auto envelope = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  (*envelope.message_ciphertext)[1 + 123 + 6] ^= 0x40;
  const auto reply =
      client_->call<StartReply>(start_write(envelope, pair_.write, Level::kAcknowledged));
  EXPECT_EQ(reply.error_code, 32);
  EXPECT_TRUE(reply.courier_identity_hash);
}

TEST_F(BoxTest, ForeignDescriptor_CannotOpenTheAnswer) {
  const auto envelope = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  const auto other = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  auto start = start_write(envelope, pair_.write, Level::kConfirmed);
  start.envelope_descriptor = other.envelope_descriptor;
  EXPECT_EQ(client_->call<StartReply>(start).error_code, 22);
}

TEST_F(BoxTest, IncompleteStarts_AreInvalidAndNameNoCourier) {
  const auto envelope = encrypt_write(*client_, pair_.write, pair_.write.index(), Bytes(1, 1));
  const auto good = start_write(envelope, pair_.write, Level::kConfirmed);
  std::vector<wire::StartResendingEncryptedMessage> bad(6, good);
  bad[0].envelope_hash.reset();
  bad[1].message_ciphertext = Bytes();
  bad[2].envelope_descriptor.reset();
  bad[3].write_cap.reset();
  bad[4].read_cap = pair_.read.bytes();
  bad[5].envelope_descriptor = Bytes{0xff};
  for (const auto& start : bad) {
    const auto reply = client_->call<StartReply>(start);
    EXPECT_EQ(reply.error_code, 3);
    EXPECT_EQ(reply.query_id, start.query_id);
    EXPECT_FALSE(reply.courier_identity_hash);
  }
  auto too_long = good;
  too_long.message_ciphertext = Bytes(2001);
  const auto reply = client_->call<StartReply>(too_long);
  EXPECT_EQ(reply.error_code, 4);
  EXPECT_FALSE(reply.courier_identity_hash);
}

// ---- cancels -----------------------------------------------------------------------------------

TEST_F(BoxTest, Cancel_GivesTheOwnerTwentyFourBeforeTheZero) {
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto start = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  client_->send(start);
  const wire::CancelResendingEncryptedMessage cancel{fresh_id(), envelope.envelope_hash};
  client_->send(cancel);
  const auto reply = client_->expect<StartReply>();
  EXPECT_EQ(reply.query_id, start.query_id);
  EXPECT_EQ(reply.error_code, 24);
  const auto cancelled = client_->expect<wire::CancelResendingEncryptedMessageReply>();
  EXPECT_EQ(cancelled.query_id, cancel.query_id);
  EXPECT_EQ(cancelled.error_code, 0);
}

TEST_F(BoxTest, CancelFromAnotherClient_ChangesNothing) {
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  const auto start = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  client_->send(start);
  client_->call<wire::NewKeypairReply>(wire::NewKeypair{fresh_id(), Bytes(32, 1)});
  RawClient other(path());
  other.handshake();
  const auto cancelled = other.call<wire::CancelResendingEncryptedMessageReply>(
      wire::CancelResendingEncryptedMessage{fresh_id(), envelope.envelope_hash});
  EXPECT_EQ(cancelled.error_code, 0);
  EXPECT_EQ(write_box(other, pair_.write, pair_.write.index(), "still").error_code, 0);
  EXPECT_EQ(client_->expect<StartReply>().query_id, start.query_id);
}

TEST_F(BoxTest, CancelOfNothing_IsSuccessAndWithoutHashInvalid) {
  EXPECT_EQ(call<wire::CancelResendingEncryptedMessageReply>(
                wire::CancelResendingEncryptedMessage{{}, Bytes32{}})
                .error_code,
            0);
  EXPECT_EQ(
      call<wire::CancelResendingEncryptedMessageReply>(wire::CancelResendingEncryptedMessage{})
          .error_code,
      3);
  EXPECT_EQ(
      call<wire::CancelResendingCopyCommandReply>(wire::CancelResendingCopyCommand{}).error_code,
      3);
}

TEST_F(BoxTest, SameStartTwice_BothQueryIdsAreAnsweredOnce) {
  const auto envelope = encrypt_read(*client_, pair_.read, pair_.read.index());
  auto start = start_read(envelope, pair_.read, pair_.read.index(), /*wait=*/true);
  std::set<Bytes16> asked, answered;
  for (int i = 0; i < 2; ++i) {
    start.query_id = fresh_id();
    asked.insert(*start.query_id);
    client_->send(start);
  }
  client_->send(wire::CancelResendingEncryptedMessage{fresh_id(), envelope.envelope_hash});
  for (int i = 0; i < 2; ++i) answered.insert(*client_->expect<StartReply>().query_id);
  EXPECT_EQ(asked, answered);
  client_->expect<wire::CancelResendingEncryptedMessageReply>();
}

// ---- copies ------------------------------------------------------------------------------------

class CopyTest : public BoxTest {
 protected:
  // Builds a stream of `payload` for the pair's sequence and uploads it to the temporary one.
  void upload(const Bytes& payload) {
    wire::CreateCourierEnvelopesFromMultiPayload request;
    request.destinations = {
        wire::DestinationPayload{payload, bytes_of(pair_.write), pair_.write.index().bytes()}};
    request.is_start = request.is_last = true;
    const auto built = call<wire::CreateCourierEnvelopesFromMultiPayloadReply>(request);
    ASSERT_EQ(built.error_code, 0);
    EXPECT_FALSE(built.buffer);
    auto index = temporary_.write.index();
    for (const auto& element : *built.envelopes) {
      ASSERT_EQ(write_box(*client_, temporary_.write, index, as_text(*element)).error_code, 0);
      index = index.next().value();
    }
  }
  wire::StartResendingCopyCommand command() const {
    wire::StartResendingCopyCommand out;
    out.query_id = fresh_id();
    out.write_cap = bytes_of(temporary_.write);
    out.courier_identity_hash.value = courier_;
    out.courier_queue_id.value = to_bytes(as_bytes("courier"));
    return out;
  }
  void SetUp() override {
    BoxTest::SetUp();
    const auto signed_document = call<wire::GetPkiDocumentReply>(wire::GetPkiDocument{});
    const auto bytes = wire::certified_document(*signed_document.payload).value();
    const auto document = wire::parse_pki_document(bytes).value();
    for (const auto& service : document.services)
      if (service.capability == "courier") courier_ = crypto::blake2b_256(service.identity_key);
  }

  const Pair temporary_{6};
  Bytes32 courier_{};
};

TEST_F(CopyTest, Stream_ReachesItsDestination) {
  Bytes payload(1545 * 3 + 7);
  fill_random(payload);
  upload(payload);
  const auto reply = client_->call<wire::StartResendingCopyCommandReply>(command());
  EXPECT_EQ(reply.error_code, 0);
  Bytes read;
  auto index = pair_.read.index();
  for (int i = 0; i < 4; ++i) {
    append(read, read_box(*client_, pair_.read, index).plaintext.value_or(Bytes()));
    index = index.next().value();
  }
  EXPECT_EQ(read, payload);
  EXPECT_EQ(audit()["copies_succeeded"], 1);
  EXPECT_EQ(audit()["conflicting_writes"], 0);
}

TEST_F(CopyTest, OccupiedDestination_FailsAndNamesTheEnvelope) {
  ASSERT_EQ(write_box(*client_, pair_.write, pair_.write.index().next().value(), "mine").error_code,
            0);
  upload(Bytes(1545 * 2, 1));
  const auto reply = client_->call<wire::StartResendingCopyCommandReply>(command());
  EXPECT_EQ(reply.error_code, 26);
  EXPECT_EQ(reply.replica_error_code.value, 10);
  EXPECT_EQ(reply.failed_envelope_index.value, 2U);
  EXPECT_EQ(audit()["copies_failed"]["10"], 1);
}

TEST_F(CopyTest, AnotherCourier_RunsTheSameStreamAgain) {
  upload(Bytes(100, 1));
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(command()).error_code, 0);
  auto elsewhere = command();
  elsewhere.courier_identity_hash.value.reset();
  elsewhere.courier_queue_id.value.reset();
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(elsewhere).error_code, 0);
}

TEST_F(CopyTest, UnknownPin_CannotStart) {
  auto start = command();
  start.courier_identity_hash.value = Bytes32{};
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(start).error_code, 4);
  start.write_cap.reset();
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(start).error_code, 3);
}

TEST_F(CopyTest, CancelWhileRunning_StopsThePollingOnly) {
  client_->send(command());  // nothing was uploaded: the courier looks for it for minutes
  client_->send(
      wire::CancelResendingCopyCommand{fresh_id(), bacap::copy_key(temporary_.write.view())});
  EXPECT_EQ(client_->expect<wire::StartResendingCopyCommandReply>().error_code, 24);
  EXPECT_EQ(client_->expect<wire::CancelResendingCopyCommandReply>().error_code, 0);
  upload(Bytes(100, 1));
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(command()).error_code, 0);
  EXPECT_EQ(audit()["copies_started"], 1);
}

TEST_F(CopyTest, TombstoneStream_RetractsTheRange) {
  ASSERT_EQ(write_box(*client_, pair_.write, pair_.write.index(), "one").error_code, 0);
  wire::CreateCourierEnvelopesFromTombstoneRange request;
  request.dest_write_cap = bytes_of(pair_.write);
  request.dest_start_index = pair_.write.index().bytes();
  request.max_count = 1;
  request.is_start = request.is_last = true;
  const auto built = call<wire::CreateCourierEnvelopesFromTombstoneRangeReply>(request);
  auto index = temporary_.write.index();
  for (const auto& element : *built.envelopes) {
    ASSERT_EQ(write_box(*client_, temporary_.write, index, as_text(*element)).error_code, 0);
    index = index.next().value();
  }
  EXPECT_EQ(client_->call<wire::StartResendingCopyCommandReply>(command()).error_code, 0);
  EXPECT_EQ(read_box(*client_, pair_.read, pair_.read.index()).error_code, 11);
}

// ---- messages ----------------------------------------------------------------------------------

TEST_F(CopyTest, Echo_ComesBackPadded) {
  wire::SendMessage message;
  message.with_surb = true;
  message.surbid = fresh_id();
  message.destination_id_hash = courier_;  // the same node runs the echo service
  message.recipient_queue_id = to_bytes(as_bytes("+echo"));
  message.payload = to_bytes(as_bytes("ping"));
  client_->send(message);
  const auto sent = client_->expect<wire::MessageSentEvent>();
  EXPECT_EQ(sent.surbid, message.surbid);
  EXPECT_TRUE(sent.err.value.empty());
  const auto reply = client_->expect<wire::MessageReplyEvent>();
  EXPECT_EQ(reply.surbid, message.surbid);
  ASSERT_EQ(reply.payload->size(), 2574U);
  EXPECT_EQ(as_text(*reply.payload).substr(0, 5), std::string_view("ping\0", 5));
}

TEST_F(BoxTest, UnsendableMessages_AreToldAndHarmless) {
  wire::SendMessage message;
  message.with_surb = true;
  client_->send(message);  // no surbid
  EXPECT_FALSE(client_->expect<wire::MessageSentEvent>().err.value.empty());
  message.surbid = fresh_id();
  message.destination_id_hash = Bytes32{};
  message.recipient_queue_id = to_bytes(as_bytes("+echo"));
  client_->send(message);
  EXPECT_FALSE(client_->expect<wire::MessageSentEvent>().err.value.empty());
  message.with_surb = false;  // nothing is ever said about these
  client_->send(message);
  EXPECT_EQ(call<wire::NewKeypairReply>(wire::NewKeypair{{}, Bytes(32)}).error_code, 0);
}

// ---- hostile bytes -----------------------------------------------------------------------------

TEST_F(BoxTest, WrongSizedCapability_IsAnsweredWithThree) {
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

TEST_F(BoxTest, EmptyAndNullFrames_AreIgnored) {
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
