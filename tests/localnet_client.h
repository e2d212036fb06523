// Shared by the tests that talk to the local network's daemon: a network on a thread of its own, a
// client that speaks in raw frames, and the calls that make and read boxes.
#pragma once

#include <poll.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>

#include "base/random.h"
#include "localnet/localnet.h"
#include "localnet_testing.h"
#include "wire/frame.h"

namespace taubenpost::localnet {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using wire::Response;

inline constexpr int kLimitMs = 60'000;

inline Bytes16 fresh_id() { return random_array<16>(); }

// One connection that speaks in whole frames. Every wait has a limit.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : socket_(io_) {
    boost::system::error_code error;
    socket_.connect(Local::endpoint(path), error);
    EXPECT_FALSE(error) << error.message();
  }

  void send(const wire::Request& request) { send_raw(wire::encode_request(request)->view()); }
  void send_body(ByteView body) { send_raw(frame_of(body)); }
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
  // The next frame, which has to be a T. The document of a mix epoch that begins just now may come
  // before it.
  template <class T>
  T expect() {
    auto response = receive();
    while (!std::is_same_v<T, wire::NewPkiDocumentEvent> && response &&
           std::holds_alternative<wire::NewPkiDocumentEvent>(*response))
      response = receive();
    EXPECT_TRUE(response && std::holds_alternative<T>(*response)) << T::kKey;
    return response && std::holds_alternative<T>(*response) ? std::get<T>(*response) : T{};
  }
  template <class T>
  T call(const wire::Request& request) {
    send(request);
    return expect<T>();
  }
  bool ended() { return !receive_body(); }
  // Something can be read now: a frame, or the end.
  bool readable() {
    pollfd wait{socket_.native_handle(), POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
  }

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
    out.knobs = knobs_;
    out.time_scale = time_scale_;
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
  Knobs knobs_{.copy_poll = std::chrono::milliseconds(20),
               .not_found_poll = std::chrono::milliseconds(3'000),
               .farewell = std::chrono::milliseconds(0)};
  double time_scale_ = 1;
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<LocalNetwork> network_;
  std::thread thread_;
};

// ---- what any kind of client does: RawClient, DaemonWorld::Peer ---------------------------------

// A client with one sequence to write and read.
struct Pair {
  explicit Pair(std::uint8_t seed) : write(cap_of(seed)), read(write.read_cap()) {}
  bacap::WriteCap write;
  bacap::ReadCap read;
};

inline wire::OptWriteCap bytes_of(const bacap::WriteCap& cap) {
  return to_array<bacap::kWriteCapSize>(cap.view());
}

template <class AnyClient>
wire::EncryptWriteReply encrypt_write(AnyClient& client, const bacap::WriteCap& cap,
                                      const bacap::MessageBoxIndex& index, Bytes plaintext) {
  return client.template call<wire::EncryptWriteReply>(
      wire::EncryptWrite{fresh_id(), std::move(plaintext), bytes_of(cap), index.bytes()});
}
template <class AnyClient>
wire::EncryptReadReply encrypt_read(AnyClient& client, const bacap::ReadCap& cap,
                                    const bacap::MessageBoxIndex& index) {
  return client.template call<wire::EncryptReadReply>(
      wire::EncryptRead{fresh_id(), cap.bytes(), index.bytes()});
}

enum class Level { kAcknowledged, kConfirmed };

inline wire::StartResendingEncryptedMessage start_of(const wire::EncryptReply& envelope) {
  wire::StartResendingEncryptedMessage start;
  start.query_id = fresh_id();
  start.message_ciphertext = envelope.message_ciphertext;
  start.envelope_descriptor = envelope.envelope_descriptor;
  start.envelope_hash = envelope.envelope_hash;
  return start;
}
inline wire::StartResendingEncryptedMessage start_write(const wire::EncryptReply& envelope,
                                                        const bacap::WriteCap& cap, Level level) {
  auto start = start_of(envelope);
  start.write_cap = bytes_of(cap);
  start.no_idempotent_box_already_exists.value = level == Level::kConfirmed;
  return start;
}
inline wire::StartResendingEncryptedMessage start_read(const wire::EncryptReply& envelope,
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

template <class AnyClient>
StartReply write_box(AnyClient& client, const bacap::WriteCap& cap,
                     const bacap::MessageBoxIndex& index, std::string_view text,
                     Level level = Level::kConfirmed) {
  const auto envelope = encrypt_write(client, cap, index, to_bytes(as_bytes(text)));
  return client.template call<StartReply>(start_write(envelope, cap, level));
}
template <class AnyClient>
StartReply read_box(AnyClient& client, const bacap::ReadCap& cap,
                    const bacap::MessageBoxIndex& index) {
  return client.template call<StartReply>(start_read(encrypt_read(client, cap, index), cap, index));
}

// A client past its handshake, and a sequence to work with.
class ConnectedTest : public DaemonTest {
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

}  // namespace taubenpost::localnet
