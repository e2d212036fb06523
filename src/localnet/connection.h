// One client's socket: whole frames in and out, nothing about their meaning.
//
// Reads one frame at a time and hands it to the owner. Reading stops while the owner is busy with
// a frame, and while the peer leaves more than kOutputHigh bytes of replies unread, so that what a
// connection can make us hold is bounded; what all hold together is, too (buffer_budget.h). A peer
// that takes nothing for a minute is cut off.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/bytes.h"
#include "base/secret.h"
#include "localnet/buffer_budget.h"

namespace taubenpost::localnet {

inline constexpr std::size_t kOutputHigh = 4U << 20;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  class Owner {
   public:
    // A frame's body, 1 to wire::kFrameMax bytes. The next one comes after
    // Connection::next_frame().
    virtual void on_frame(Bytes body) = 0;
    // The connection has ended, not by release(); the last call.
    virtual void on_end() = 0;

   protected:
    ~Owner() = default;
  };

  Connection(Socket socket, std::shared_ptr<BufferBudget> budget);
  // Begins reading. The owner stays until on_end(), or until it calls release().
  void start(Owner& owner);
  // No more calls to the owner.
  void release() { owner_ = nullptr; }

  // Queues a whole frame, length prefix included. Ignored after close() or finish().
  void send(SecretBytes frame);
  void next_frame();
  // The peer has sent more than the frame that the owner is busy with.
  bool has_input() const;
  // Closes once everything queued is written and the peer has hung up, which it has so long to do;
  // after two seconds of writing in any case.
  void finish(std::chrono::milliseconds farewell);
  // Closes now; what is queued is lost.
  void close();

 private:
  boost::asio::awaitable<void> read_loop(std::shared_ptr<Connection> self);
  boost::asio::awaitable<void> write_loop(std::shared_ptr<Connection> self);
  void close_soon();
  void arm_deadline(std::chrono::milliseconds limit);
  bool may_read() const { return !busy_ && output_bytes_ <= kOutputHigh; }

  Socket socket_;
  Owner* owner_ = nullptr;
  std::deque<SecretBytes> output_;
  std::size_t output_bytes_ = 0;
  std::size_t input_bytes_ = 0;  // of the frame that is read, or that the owner is working on
  bool busy_ = false;            // the owner is working on a frame
  bool finishing_ = false;       // the end comes when the output is empty
  std::chrono::milliseconds farewell_{0};
  bool closed_ = false;
  boost::asio::steady_timer reader_wake_, writer_wake_, write_deadline_;
  BufferBudget::Share share_;
};

}  // namespace taubenpost::localnet
