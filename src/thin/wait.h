// Waiting with a limit, in the one form that the client uses: sleep until a time or until woken,
// then look again.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace taubenpost::thin {

using Clock = boost::asio::steady_timer::clock_type;
using TimePoint = boost::asio::steady_timer::time_point;
inline constexpr TimePoint kNever = TimePoint::max();

// `limit` from now, far limits included: nothing overflows.
inline TimePoint deadline_after(std::chrono::milliseconds limit) {
  constexpr std::chrono::hours kFar{24 * 365 * 10};
  return Clock::now() + (limit < kFar ? limit : std::chrono::milliseconds(kFar));
}

inline std::chrono::milliseconds rest_of(TimePoint deadline) {
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return rest.count() > 0 ? rest : std::chrono::milliseconds(0);
}

enum class Wake : std::uint8_t { kLookAgain, kCancelled };

// Returns at `until` or when `timer` is cancelled; kCancelled if the coroutine was. After that the
// coroutine must not wait for anything else: Asio would throw.
inline boost::asio::awaitable<Wake> wait_until(boost::asio::steady_timer& timer, TimePoint until) {
  timer.expires_at(until);
  co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return state.cancelled() == boost::asio::cancellation_type::none ? Wake::kLookAgain
                                                                      : Wake::kCancelled;
}

}  // namespace taubenpost::thin
