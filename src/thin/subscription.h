// The bounded queue that carries a client's events to one subscriber.
//
// A subscriber that does not read never holds up the connection. Of status and document events only
// the newest matters: in a full queue the older ones make room first. When there is none left, the
// oldest event is dropped and counted, and next() tells how many are missing. A queue is also full
// when its events hold 64 MiB: a daemon's frames may be large.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/error.h"
#include "thin/events.h"

namespace taubenpost::thin {

// One subscriber's queue, made by Client::subscribe().
class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  // Made by std::make_shared: whoever waits in next() keeps it.
  // At most `capacity` events wait; at least 1.
  Subscription(boost::asio::any_io_executor executor, std::size_t capacity);

  // The oldest event not yet read. kTemporary after `limit`, kCancelled if the waiting coroutine is
  // cancelled or the client is closed and the queue is empty. One reader at a time.
  boost::asio::awaitable<Result<Event>> next(std::chrono::milliseconds limit);
  // All events that were ever dropped because nobody read them.
  std::uint64_t lost() const { return lost_; }

  // The client's side.
  void push(Event event);
  void end();

 private:
  void make_room(const Event& coming);
  Event remove(std::deque<Event>::iterator event);
  Event take();

  boost::asio::steady_timer wake_;
  std::size_t capacity_;
  std::deque<Event> events_;
  std::size_t bytes_ = 0;  // that the events hold
  std::uint64_t lost_ = 0;
  std::uint64_t told_ = 0;  // of the lost ones
  bool ended_ = false;
};

}  // namespace taubenpost::thin
