// What a client tells without being asked, and the bounded queues that carry it.
//
// A subscriber that does not read never holds up the connection: a full queue drops its oldest
// event and counts it. Status and document events are states, so the newest ones are what is kept.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <variant>

#include "base/error.h"

namespace taubenpost::wire {
struct PkiDocument;
}

namespace taubenpost::thin {

// The handshake is complete; `same_state` says that the daemon still had our session.
struct ConnectedEvent {
  bool same_state = false;
};
// The daemon's gateway link changed, or was reported again. A hint (thin-protocol 8.8).
struct StatusEvent {
  bool is_connected = false;
};
struct DocumentEvent {
  std::shared_ptr<const wire::PkiDocument> document;
};
// The daemon said that it is going down.
struct ShutdownEvent {};
// The connection is lost; the client dials again unless it was closed.
struct DisconnectedEvent {
  bool orderly = false;  // a shutdown event came before
  std::string cause;
};
using Event =
    std::variant<ConnectedEvent, StatusEvent, DocumentEvent, ShutdownEvent, DisconnectedEvent>;

class Subscription {
 public:
  Subscription(boost::asio::any_io_executor executor, std::size_t capacity);

  // The oldest event not yet read. kTemporary after `limit`, kCancelled if the waiting coroutine is
  // cancelled or the client is closed and the queue is empty. One reader at a time.
  boost::asio::awaitable<Result<Event>> next(std::chrono::milliseconds limit);
  // Events that were dropped because nobody read them.
  std::uint64_t lost() const { return lost_; }

  // The client's side.
  void push(Event event);
  void end();

 private:
  boost::asio::steady_timer wake_;
  std::size_t capacity_;
  std::deque<Event> events_;
  std::uint64_t lost_ = 0;
  bool ended_ = false;
};

}  // namespace taubenpost::thin
