// A daemon that does exactly what a test says: the test's own coroutine plays it, frame by frame.
//
// It listens on a Unix socket in a folder of its own, on the same io_context as the client, so a
// run is deterministic. Nothing is answered unless the test answers it. A daemon side that gets
// something else than it waits for throws, and so does a test that hangs: both fail the test.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/secret.h"
#include "wire/frame.h"

namespace taubenpost::testing {

// Stops the test with an exception; for coroutines, where ASSERT_TRUE can't return.
void require(bool condition, const std::string& what);
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error("unexpected error: " + result.error().what);
  return std::move(result).value();
}

// A frame of tests/vectors/thin/NAME.json, complete with its length prefix.
struct RecordedFrame {
  bool from_daemon = false;
  std::string kind;
  Bytes frame;
};
std::vector<RecordedFrame> recorded_frames(const std::string& name);
// The daemon's `index`-th frame of a recording, decoded.
wire::Response recorded_reply(const std::string& name, std::size_t index = 0);
// A response as one frame.
Bytes frame_of(const wire::Response& response);

// One accepted connection.
class FakeConnection {
 public:
  explicit FakeConnection(boost::asio::generic::stream_protocol::socket socket);

  // Writes raw bytes, whole frames or not.
  boost::asio::awaitable<void> write(Bytes bytes);
  // Writes `bytes` in pieces of `piece` bytes and lets the client read in between.
  boost::asio::awaitable<void> write_slowly(Bytes bytes, std::size_t piece);
  boost::asio::awaitable<void> send(wire::Response response);
  // The next request.
  boost::asio::awaitable<wire::Request> receive();
  // The same; nothing if the client has hung up.
  boost::asio::awaitable<std::optional<wire::Request>> receive_unless_ended();
  // The first `count` bytes of what comes next; the rest stays unread.
  boost::asio::awaitable<Bytes> receive_bytes(std::size_t count);
  template <class Kind>
  boost::asio::awaitable<Kind> receive_a() {
    wire::Request request = co_await receive();
    require(std::holds_alternative<Kind>(request),
            "another request than " + std::string(Kind::kKey) + " came");
    co_return std::get<Kind>(std::move(request));
  }
  // Returns when the client has hung up, and throws if a frame comes first.
  boost::asio::awaitable<void> receive_end();
  // Lets the client do all that it can do now, and throws if it sent anything.
  boost::asio::awaitable<void> receive_nothing();
  void close();

 private:
  boost::asio::awaitable<std::optional<Bytes>> read_frame();

  boost::asio::generic::stream_protocol::socket socket_;
  bool is_broken_ = false;  // the client has hung up
};
using FakeConnectionPtr = std::shared_ptr<FakeConnection>;

struct Greeting {
  Bytes16 instance{1};
  bool is_connected = true;
  bool with_document = true;
  bool resumed = false;
};
wire::Response status_event(const Greeting& greeting);
wire::Response document_event(bool with_document);
wire::Response session_reply(bool resumed);
// Messages 1 and 2, the token, message 4, and the answer to the probe of a resumed session. Returns
// the token.
boost::asio::awaitable<Bytes16> greet(FakeConnectionPtr connection, Greeting greeting);

class FakeDaemon {
 public:
  explicit FakeDaemon(boost::asio::io_context& io);
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  const std::string& socket_path() const { return path_; }
  boost::asio::awaitable<FakeConnectionPtr> accept();
  boost::asio::awaitable<FakeConnectionPtr> accept_and_greet(Greeting greeting);

 private:
  std::filesystem::path folder_;
  std::string path_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
};

// Lets so many rounds of handlers run on this executor.
boost::asio::awaitable<void> turns(int count);
// Lets everything that is ready on this executor run.
boost::asio::awaitable<void> settle();

// Runs both sides on `io` until both have ended; throws the first exception, or that the test
// hangs.
void run_both(boost::asio::io_context& io, boost::asio::awaitable<void> one,
              boost::asio::awaitable<void> other);
// The same until `one` has ended; the helper is left where it is then, and dies with `io`.
void run_beside(boost::asio::io_context& io, boost::asio::awaitable<void> one,
                boost::asio::awaitable<void> helper);

}  // namespace taubenpost::testing
