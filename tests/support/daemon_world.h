// The local network's daemon in virtual time: connections are socket pairs, and nothing waits.
//
// Everything runs on the calling thread, whenever a peer looks for a frame or time is moved. So
// "no answer" is a fact and not a time limit.
#pragma once

#include <sys/socket.h>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "localnet/daemon.h"
#include "localnet/network.h"
#include "localnet_testing.h"
#include "wire/frame.h"

namespace taubenpost::localnet {

class DaemonWorld {
 public:
  explicit DaemonWorld(const DaemonBehaviour& behaviour, const Knobs& knobs = {},
                       EnvelopeNike nike = EnvelopeNike::kHybrid,
                       std::size_t buffer_limit = BufferBudget::kDefaultLimit)
      : random_(seeded_random(1)),
        network_(scheduler_, *random_, test_directory(nike), test_boxes(folder_.path(), nike),
                 knobs, behaviour),
        daemon_(std::make_unique<Daemon>(network_.context(), buffer_limit)) {
    network_.on_link_change([this] { daemon_->announce_link(); });
  }
  ~DaemonWorld() {
    daemon_.reset();
    settle();
  }
  DaemonWorld(const DaemonWorld&) = delete;
  DaemonWorld& operator=(const DaemonWorld&) = delete;

  class Peer;
  Peer connect();

  const Directory& directory() const { return network_.context().directory; }
  std::uint64_t mix_epoch() const { return network_.context().mix_epoch(); }
  void set(void (*change)(Knobs&)) {
    Knobs knobs = network_.knobs();
    change(knobs);
    network_.set_knobs(knobs);
  }
  void shut_down() { daemon_->shutdown(); }
  // Runs what can run without time passing.
  void settle() {
    do scheduler_.settle();
    while (poll() > 0);
  }
  void advance(Milliseconds by) {
    settle();
    for (constexpr Milliseconds kStep{10}; by.count() > 0; by -= kStep) {
      scheduler_.advance(std::min(by, kStep));
      settle();
    }
  }

 private:
  std::size_t poll() {
    io_.restart();
    return io_.poll();
  }

  TempFolder folder_;
  boost::asio::io_context io_{1};
  ManualScheduler scheduler_;
  std::unique_ptr<Random> random_;
  Network network_;
  std::unique_ptr<Daemon> daemon_;
};

// The client's end of a connection.
class DaemonWorld::Peer {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  Peer(DaemonWorld& world, Socket socket) : world_(world), socket_(std::move(socket)) {}

  void send(const wire::Request& request) { send_raw(wire::encode_request(request)->view()); }
  // Several at once, so that all are there when the first is looked at.
  void send_together(const std::vector<wire::Request>& requests) {
    Bytes frames;
    for (const auto& request : requests) append(frames, wire::encode_request(request)->view());
    send_raw(frames);
  }
  void send_body(ByteView body) { send_raw(frame_of(body)); }
  void send_raw(ByteView bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto sent = ::send(socket_.native_handle(), bytes.data() + done, bytes.size() - done,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;  // the daemon has hung up, which a reader sees
      if (sent > 0) done += static_cast<std::size_t>(sent);
      world_.settle();
    }
  }

  // The body of the next frame that is there already.
  std::optional<Bytes> next_body() {
    fill();
    if (input_.size() < wire::kFrameHeader) return std::nullopt;
    const std::size_t size = wire::kFrameHeader + read_be<std::uint32_t>(ByteView(input_).first(4));
    if (input_.size() < size) return std::nullopt;
    Bytes body(input_.begin() + wire::kFrameHeader, input_.begin() + std::ptrdiff_t(size));
    input_.erase(input_.begin(), input_.begin() + std::ptrdiff_t(size));
    return body;
  }
  std::optional<wire::Response> next() {
    const auto body = next_body();
    if (!body) return std::nullopt;
    return std::move(wire::decode_response(*body)).value();
  }
  bool has_next() {
    fill();
    return !input_.empty();
  }
  bool ended() {
    fill();
    return has_ended_;
  }
  // The next frame, which has to be a T; time passes until it is there.
  template <class T>
  T expect(Milliseconds limit = std::chrono::minutes(10)) {
    const auto response = await<T>(limit);
    if (response && std::holds_alternative<T>(*response)) return std::get<T>(*response);
    ADD_FAILURE() << "no " << T::kKey;
    return T{};
  }
  template <class T>
  T call(const wire::Request& request) {
    send(request);
    return expect<T>();
  }
  // The body of the next frame that comes; takes from `limit` the time that passes.
  std::optional<Bytes> await_body(Milliseconds& limit) {
    constexpr Milliseconds kStep{50};
    auto body = next_body();
    for (; !body && limit.count() > 0 && !has_ended_; limit -= kStep) {
      world_.advance(kStep);
      body = next_body();
    }
    return body;
  }
  // The next frame that comes; pushed documents only if they are wanted.
  template <class Wanted = void>
  std::optional<wire::Response> await(Milliseconds limit) {
    for (auto body = await_body(limit); body; body = await_body(limit)) {
      auto response = wire::decode_response(*body);
      if (std::is_same_v<Wanted, wire::NewPkiDocumentEvent> ||
          !std::holds_alternative<wire::NewPkiDocumentEvent>(*response))
        return std::move(response).value();
    }
    return std::nullopt;
  }

  wire::SessionTokenReply handshake(const Bytes16& token = random_array<16>()) {
    expect<wire::ConnectionStatusEvent>();
    expect<wire::NewPkiDocumentEvent>();
    return call<wire::SessionTokenReply>(wire::SessionToken{token});
  }
  void close() {
    socket_.close();
    world_.settle();
  }

 private:
  void fill() {
    world_.settle();
    for (;;) {
      const auto got = ::recv(socket_.native_handle(), part_.data(), part_.size(), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN)) has_ended_ = true;
      if (got <= 0) return;
      append(input_, ByteView(part_).first(static_cast<std::size_t>(got)));
      world_.settle();
    }
  }

  DaemonWorld& world_;
  Socket socket_;
  Bytes part_ = Bytes(64U << 10);  // of one look
  Bytes input_;
  bool has_ended_ = false;
};

inline DaemonWorld::Peer DaemonWorld::connect() {
  Peer::Socket ours(io_), theirs(io_);
  boost::asio::local::connect_pair(ours, theirs);
  daemon_->accept(Connection::Socket(std::move(theirs)));
  return {*this, std::move(ours)};
}

}  // namespace taubenpost::localnet
