#include "thin/events.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace taubenpost::thin {
namespace asio = boost::asio;

Subscription::Subscription(asio::any_io_executor executor, std::size_t capacity)
    : wake_(std::move(executor)), capacity_(capacity) {
  TP_CHECK(capacity_ > 0);
}

asio::awaitable<Result<Event>> Subscription::next(std::chrono::milliseconds limit) {
  const auto deadline = asio::steady_timer::clock_type::now() + limit;
  while (events_.empty() && !ended_) {
    if (asio::steady_timer::clock_type::now() >= deadline)
      co_return error(Errc::kTemporary, "no event in time");
    wake_.expires_at(deadline);
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none && events_.empty())
      co_return error(Errc::kCancelled, "waiting for an event was cancelled");
  }
  if (events_.empty()) co_return error(Errc::kCancelled, "the client is closed");
  Event event = std::move(events_.front());
  events_.pop_front();
  co_return event;
}

void Subscription::push(Event event) {
  if (events_.size() == capacity_) {
    events_.pop_front();
    ++lost_;
  }
  events_.push_back(std::move(event));
  wake_.cancel();
}

void Subscription::end() {
  ended_ = true;
  wake_.cancel();
}

}  // namespace taubenpost::thin
