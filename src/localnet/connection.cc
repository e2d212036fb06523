#include "localnet/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <utility>

#include "wire/frame.h"

namespace taubenpost::localnet {
namespace {

namespace asio = boost::asio;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kWriteLimit{60};
constexpr std::chrono::seconds kGoodbyeLimit{2};
// A claimed length costs memory only as the bytes arrive.
constexpr std::size_t kReadStep = 256U << 10;

void stop_on_exception(std::exception_ptr exception) {
  if (exception) std::rethrow_exception(exception);
}

}  // namespace

Connection::Connection(Socket socket, std::shared_ptr<BufferBudget> budget)
    : socket_(std::move(socket)),
      reader_wake_(socket_.get_executor()),
      writer_wake_(socket_.get_executor()),
      write_deadline_(socket_.get_executor()),
      share_(std::move(budget), [this] { close_soon(); }) {
  reader_wake_.expires_at(asio::steady_timer::time_point::max());
  writer_wake_.expires_at(asio::steady_timer::time_point::max());
}

void Connection::start(Owner& owner) {
  owner_ = &owner;
  asio::co_spawn(socket_.get_executor(), read_loop(shared_from_this()), stop_on_exception);
  asio::co_spawn(socket_.get_executor(), write_loop(shared_from_this()), stop_on_exception);
}

void Connection::send(SecretBytes frame) {
  if (closed_ || finishing_) return;
  output_bytes_ += frame.size();
  share_.add(frame.size());
  output_.push_back(std::move(frame));
  writer_wake_.cancel();
}

void Connection::next_frame() {
  busy_ = false;
  share_.remove(std::exchange(input_bytes_, 0));
  reader_wake_.cancel();
}

// Not now: whoever made us hold too much may be in the middle of a frame of ours.
void Connection::close_soon() {
  asio::post(socket_.get_executor(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->close();
  });
}

bool Connection::has_input() const {
  boost::system::error_code ignored;  // then there is nothing
  return socket_.available(ignored) > 0;
}

void Connection::finish(std::chrono::milliseconds farewell) {
  finishing_ = true;
  farewell_ = farewell;
  arm_deadline(kGoodbyeLimit);
  writer_wake_.cancel();
}

void Connection::arm_deadline(std::chrono::milliseconds limit) {
  write_deadline_.expires_after(limit);
  write_deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->close();
  });
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  share_.close();
  boost::system::error_code ignored;  // the peer may be gone already
  socket_.shutdown(Socket::shutdown_both, ignored);
  socket_.close(ignored);
  reader_wake_.cancel();
  writer_wake_.cancel();
  write_deadline_.cancel();
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->on_end();
}

asio::awaitable<void> Connection::read_loop(std::shared_ptr<Connection> self) {
  while (!closed_) {
    std::array<std::uint8_t, wire::kFrameHeader> prefix{};
    const auto [prefix_error, prefix_size] =
        co_await asio::async_read(socket_, asio::buffer(prefix), kAwait);
    if (prefix_error) break;
    const auto length = wire::frame_body_size(prefix);
    if (!length) break;
    Bytes body;
    while (body.size() < *length) {
      const std::size_t done = body.size();
      body.resize(std::min(*length, done + kReadStep));
      input_bytes_ = body.size();
      share_.add(body.size() - done);
      const auto rest = asio::buffer(body.data() + done, body.size() - done);
      const auto [error, size] = co_await asio::async_read(socket_, rest, kAwait);
      if (error) {
        self->close();
        co_return;
      }
    }
    busy_ = true;
    share_.progress();
    if (owner_ != nullptr) owner_->on_frame(std::move(body));
    while (!closed_ && !may_read()) {
      const auto [woken] = co_await reader_wake_.async_wait(kAwait);
      static_cast<void>(woken);  // only ever woken by a cancel
    }
  }
  self->close();
}

asio::awaitable<void> Connection::write_loop(std::shared_ptr<Connection> self) {
  while (!closed_) {
    if (output_.empty()) {
      if (finishing_) {
        arm_deadline(farewell_);  // the reader sees it if the peer hangs up first
        co_return;
      }
      const auto [woken] = co_await writer_wake_.async_wait(kAwait);
      static_cast<void>(woken);  // only ever woken by a cancel
      continue;
    }
    const SecretBytes frame = std::move(output_.front());
    output_.pop_front();
    const auto bytes = asio::buffer(frame.view().data(), frame.size());
    if (!finishing_) arm_deadline(kWriteLimit);
    const auto [error, size] = co_await asio::async_write(socket_, bytes, kAwait);
    if (!finishing_) write_deadline_.cancel();
    if (error) break;
    output_bytes_ -= frame.size();
    share_.remove(frame.size());
    share_.progress();
    if (may_read()) reader_wake_.cancel();
  }
  self->close();
}

}  // namespace taubenpost::localnet
