// One caller that waits for something which the link's coroutine brings.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "thin/wait.h"

namespace taubenpost::thin {

template <class T>
class Waiter {
 public:
  explicit Waiter(boost::asio::any_io_executor executor) : wake_(std::move(executor)) {}

  void set(Result<T> result) {
    result_.emplace(std::move(result));
    wake_.cancel();
  }
  bool is_set() const { return result_.has_value(); }

  // What was set; nothing if `deadline` passed first. kCancelled if the waiting coroutine was
  // cancelled.
  boost::asio::awaitable<std::optional<Result<T>>> wait(TimePoint deadline) {
    while (!result_) {
      if (Clock::now() >= deadline) co_return std::nullopt;
      const Wake woken = co_await wait_until(wake_, deadline);
      if (woken == Wake::kCancelled && !result_)
        co_return error(Errc::kCancelled, "the caller was cancelled");
    }
    co_return std::move(result_);
  }

 private:
  boost::asio::steady_timer wake_;
  std::optional<Result<T>> result_;
};

// Runs when the scope is left, also by the end of a coroutine that is never resumed.
template <class Forget>
class OnExit {
 public:
  explicit OnExit(Forget forget) : forget_(std::move(forget)) {}
  ~OnExit() { forget_(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;

 private:
  Forget forget_;
};

}  // namespace taubenpost::thin
