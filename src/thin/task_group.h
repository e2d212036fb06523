// The coroutines that one client has started: all of them end before join() returns.
//
// An exception that leaves a child is a broken invariant or exhausted memory: it stops the process.
// Children hold what they use; the group itself is kept alive by the shared state.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <utility>

namespace taubenpost::thin {

class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor)
      : state_(std::make_shared<State>(std::move(executor))) {}

  // `make` returns awaitable<void>; it is a plain function object that holds what the coroutine
  // needs by value.
  template <class Make>
  void spawn(Make make) {
    ++state_->running;
    boost::asio::co_spawn(state_->idle.get_executor(), std::move(make),
                          [state = state_](std::exception_ptr failure) noexcept {
                            if (failure) std::rethrow_exception(failure);
                            if (--state->running == 0) state->idle.cancel();
                          });
  }

  // Returns when no child is left, or when the awaiting coroutine is cancelled.
  boost::asio::awaitable<void> join() {
    const std::shared_ptr<State> state = state_;
    if (state->running == 0) co_return;
    co_await state->idle.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

 private:
  struct State {
    explicit State(boost::asio::any_io_executor executor)
        : idle(std::move(executor), boost::asio::steady_timer::time_point::max()) {}
    // Never expires. It is set once: setting it again would wake those who wait already.
    boost::asio::steady_timer idle;
    std::size_t running = 0;
  };
  std::shared_ptr<State> state_;
};

}  // namespace taubenpost::thin
