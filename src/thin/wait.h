// Waiting with a limit, in the one form that the client uses: sleep until a time or until woken,
// then look again.
#pragma once

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace taubenpost::thin {

using Clock = boost::asio::steady_timer::clock_type;
using TimePoint = boost::asio::steady_timer::time_point;
inline constexpr TimePoint kNever = TimePoint::max();

// `limit` from now, far and negative limits included: nothing overflows.
inline TimePoint deadline_after(std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kFar = std::chrono::hours(24 * 365 * 10);
  return Clock::now() + std::clamp(limit, std::chrono::milliseconds(0), kFar);
}

enum class Wake : std::uint8_t { kLookAgain, kCancelled };

// Whether the coroutine that asks was cancelled: then it must not wait for anything more. In a call
// of several waits, a cancel may come with the answer of one; the next would throw.
inline bool is_cancelled(const boost::asio::cancellation_state& state) {
  return state.cancelled() != boost::asio::cancellation_type::none;
}

// Returns at `until` or when `timer` is cancelled; kCancelled if the coroutine was. After that the
// coroutine must not wait for anything else: Asio would throw.
inline boost::asio::awaitable<Wake> wait_until(boost::asio::steady_timer& timer, TimePoint until) {
  timer.expires_at(until);
  co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return is_cancelled(state) ? Wake::kCancelled : Wake::kLookAgain;
}

}  // namespace taubenpost::thin
