#include "support/fake_daemon.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/places.h"

namespace taubenpost::testing {
namespace asio = boost::asio;
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kHangs{300};  // ends a test that hangs; sanitizers are slow
// So many turns of the loop let the other side handle all that has arrived.
constexpr int kTurns = 20;

}  // namespace

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

std::vector<RecordedFrame> recorded_frames(const std::string& name) {
  std::ifstream in(in_source("tests/vectors/thin/" + name + ".json"));
  require(in.good(), "no vector " + name);
  const nlohmann::json file = nlohmann::json::parse(in);
  std::vector<RecordedFrame> frames;
  for (const auto& frame : file.at("frames")) {
    Bytes bytes = must(from_hex(frame.at("frame_hex").get<std::string>()));
    frames.push_back({frame.at("dir") == "d2c", frame.value("kind", ""), std::move(bytes)});
  }
  return frames;
}

wire::Response recorded_reply(const std::string& name, std::size_t index) {
  for (const RecordedFrame& frame : recorded_frames(name))
    if (frame.from_daemon && index-- == 0)
      return must(wire::decode_response(ByteView(frame.frame).subspan(wire::kFrameHeader)));
  throw std::runtime_error("no such reply in " + name);
}

Bytes frame_of(const wire::Response& response) {
  return to_bytes(must(wire::encode_response(response)).view());
}

asio::awaitable<void> turns(int count) {
  const auto executor = co_await asio::this_coro::executor;
  for (int turn = 0; turn < count; ++turn) co_await asio::post(executor, asio::use_awaitable);
}

asio::awaitable<void> settle() { return turns(kTurns); }

FakeConnection::FakeConnection(asio::generic::stream_protocol::socket socket)
    : socket_(std::move(socket)) {}

asio::awaitable<void> FakeConnection::write(Bytes bytes) {
  const std::size_t whole = bytes.size();
  co_await write_slowly(std::move(bytes), whole);
}

asio::awaitable<void> FakeConnection::write_slowly(Bytes bytes, std::size_t piece) {
  // A client that has hung up meanwhile is not an error of this side. Once is enough: Asio waits
  // for ever when it writes again to a stream that broke.
  for (std::size_t begin = 0; begin < bytes.size() && !is_broken_; begin += piece) {
    const std::size_t size = std::min(piece, bytes.size() - begin);
    const auto [failed, count] =
        co_await asio::async_write(socket_, asio::buffer(bytes.data() + begin, size), kTuple);
    is_broken_ = static_cast<bool>(failed);
    if (begin + size < bytes.size()) co_await settle();
  }
}

asio::awaitable<void> FakeConnection::send(wire::Response response) {
  Bytes frame = frame_of(response);
  co_await write(std::move(frame));
}

asio::awaitable<std::optional<Bytes>> FakeConnection::read_frame() {
  Bytes header(wire::kFrameHeader, 0);
  const auto [ended, got] = co_await asio::async_read(socket_, asio::buffer(header), kTuple);
  if (ended) co_return std::nullopt;
  Bytes body(must(wire::frame_body_size(header)), 0);
  const auto [broken, count] = co_await asio::async_read(socket_, asio::buffer(body), kTuple);
  if (broken) co_return std::nullopt;
  co_return body;
}

asio::awaitable<wire::Request> FakeConnection::receive() {
  std::optional<wire::Request> request = co_await receive_unless_ended();
  require(request.has_value(), "the client hung up");
  co_return std::move(*request);
}

asio::awaitable<std::optional<wire::Request>> FakeConnection::receive_unless_ended() {
  const std::optional<Bytes> body = co_await read_frame();
  if (!body) co_return std::nullopt;
  std::optional<wire::Request> request = must(wire::decode_request(*body));
  require(request.has_value(), "the client sent a frame without a request");
  co_return request;
}

asio::awaitable<Bytes> FakeConnection::receive_bytes(std::size_t count) {
  Bytes bytes(count, 0);
  const auto [ended, got] = co_await asio::async_read(socket_, asio::buffer(bytes), kTuple);
  require(!ended, "the client hung up");
  co_return bytes;
}

asio::awaitable<void> FakeConnection::receive_end() {
  const std::optional<Bytes> body = co_await read_frame();
  require(!body, "a frame came where the end of the stream was expected");
}

asio::awaitable<void> FakeConnection::receive_nothing() {
  co_await settle();
  require(socket_.available() == 0, "the client sent what it should have held back");
}

void FakeConnection::close() {
  boost::system::error_code ignored;  // closed is closed
  socket_.close(ignored);
}

wire::Response status_event(const Greeting& greeting) {
  static const wire::Response recorded = recorded_reply("handshake", 0);
  auto event = std::get<wire::ConnectionStatusEvent>(recorded);
  event.instance_token = greeting.instance;
  event.is_connected = greeting.is_connected;
  return event;
}

wire::Response document_event(bool with_document) {
  static const wire::Response recorded = recorded_reply("handshake", 1);
  return with_document ? recorded : wire::NewPkiDocumentEvent{};
}

wire::Response session_reply(bool resumed) {
  return wire::SessionTokenReply{Bytes(16, 7), resumed};
}

asio::awaitable<Bytes16> greet(FakeConnectionPtr connection, Greeting greeting) {
  co_await connection->send(status_event(greeting));
  co_await connection->send(document_event(greeting.with_document));
  const auto token = co_await connection->receive_a<wire::SessionToken>();
  co_await connection->send(session_reply(greeting.resumed));
  if (greeting.resumed) {
    const auto probe = co_await connection->receive_a<wire::GetDirectoryAuthorities>();
    wire::GetDirectoryAuthoritiesReply none;
    none.query_id = probe.query_id;
    none.error_code = 10;
    co_await connection->send(none);
  }
  co_return token.client_instance_token;
}

FakeDaemon::FakeDaemon(asio::io_context& io) : acceptor_(io) {
  std::string name = (std::filesystem::temp_directory_path() / "fake-daemon-XXXXXX").string();
  require(mkdtemp(name.data()) != nullptr, "no temporary folder");
  folder_ = name;
  path_ = (folder_ / "daemon.sock").string();
  acceptor_ =
      asio::local::stream_protocol::acceptor(io, asio::local::stream_protocol::endpoint(path_));
}

FakeDaemon::~FakeDaemon() {
  std::error_code ignored;  // a folder that stays behind fails no test
  std::filesystem::remove_all(folder_, ignored);
}

asio::awaitable<FakeConnectionPtr> FakeDaemon::accept() {
  auto [failed, socket] = co_await acceptor_.async_accept(kTuple);
  require(!failed, "accept: " + failed.message());
  co_return std::make_shared<FakeConnection>(std::move(socket));
}

asio::awaitable<FakeConnectionPtr> FakeDaemon::accept_and_greet(Greeting greeting) {
  FakeConnectionPtr connection = co_await accept();
  co_await greet(connection, greeting);
  co_return connection;
}

void run_beside(asio::io_context& io, asio::awaitable<void> one, asio::awaitable<void> helper) {
  bool ended = false;
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(helper), [&](std::exception_ptr thrown) {
    if (thrown && !failure) failure = thrown;
    if (thrown) io.stop();
  });
  asio::co_spawn(io, std::move(one), [&](std::exception_ptr thrown) {
    if (thrown && !failure) failure = thrown;
    ended = true;
    io.stop();
  });
  io.restart();
  io.run_for(kHangs);
  if (failure) std::rethrow_exception(failure);
  require(ended, "the test hangs");
}

void run_both(asio::io_context& io, asio::awaitable<void> one, asio::awaitable<void> other) {
  std::size_t running = 2;
  std::exception_ptr first;
  const auto ended = [&](std::exception_ptr failure) {
    if (failure && !first) first = failure;
    if (--running == 0 || failure) io.stop();
  };
  asio::co_spawn(io, std::move(one), ended);
  asio::co_spawn(io, std::move(other), ended);
  io.restart();
  io.run_for(kHangs);
  if (first) std::rethrow_exception(first);
  require(running == 0, "the test hangs");
}

}  // namespace taubenpost::testing
