#include "thin/session.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "wire/frame.h"

namespace taubenpost::thin {
namespace asio = boost::asio;
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

Session::Session(Socket socket) : socket_(std::move(socket)), wake_(socket_.get_executor()) {}

asio::awaitable<Result<SecretBytes>> Session::read() {
  std::array<std::uint8_t, wire::kFrameHeader> prefix{};
  const auto [no_prefix, got] = co_await asio::async_read(socket_, asio::buffer(prefix), kTuple);
  if (no_prefix) co_return error(Errc::kDaemonGone, closed_ ? cause_ : no_prefix.message());
  const Result<std::size_t> length = wire::frame_body_size(prefix);
  if (!length) co_return length.error();
  SecretBytes body(Bytes(*length, 0));
  const auto [broken, count] =
      co_await asio::async_read(socket_, asio::buffer(body.writable()), kTuple);
  if (broken) co_return error(Errc::kDaemonGone, closed_ ? cause_ : broken.message());
  co_return std::move(body);
}

void Session::send(SecretBytes frame, const Bytes16& name) {
  if (closed_ || finishing_) return;
  queue_.push_back({name, std::move(frame)});
  wake_.cancel();
}

bool Session::take_back(const Bytes16& name) {
  return std::erase_if(queue_, [&](const Waiting& waiting) { return waiting.name == name; }) > 0;
}

asio::awaitable<void> Session::write_loop() {
  while (!closed_) {
    if (queue_.empty()) {
      if (finishing_) {
        close("closed by this client");
        break;
      }
      wake_.expires_at(asio::steady_timer::time_point::max());
      co_await wake_.async_wait(kTuple);
      continue;
    }
    const SecretBytes frame = std::move(queue_.front().frame);
    queue_.pop_front();
    const auto [failed, count] = co_await asio::async_write(
        socket_, asio::buffer(frame.view().data(), frame.size()), kTuple);
    if (failed) close("cannot write to the daemon: " + failed.message());
  }
}

void Session::finish() {
  finishing_ = true;
  wake_.cancel();
}

void Session::close(std::string cause) {
  if (closed_) return;
  closed_ = true;
  cause_ = std::move(cause);
  queue_.clear();
  boost::system::error_code ignored;  // whatever close() says, the descriptor is gone
  socket_.close(ignored);
  wake_.cancel();
}

}  // namespace taubenpost::thin
