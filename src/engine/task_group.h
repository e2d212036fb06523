// TaskGroup, Semaphore, Permit: concurrency inside the engine's one thread, without timers.
//
// All of it belongs to the thread of one io_context; nothing here locks. A child is never cut off
// half way: it ends by itself, and looks at a flag of its parent where it should end early.
//
// Destroying the io_context is the hard stop, and unwinds every coroutine. For that, a coroutine
// that waits is owned by what it waits for (the children, the holders of the permits) and never by
// the group or the semaphore, which may be its own local variable.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/check.h"

namespace taubenpost {

namespace detail {
struct GroupState;
struct SemaphoreState;
}  // namespace detail

// Children that run beside their parent. The parent joins before what the children refer to dies.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a child; it may run at once up to its first wait. Its coroutine takes parameters by
  // value, or references to what lives until join(). An exception in it leaves io_context::run().
  void spawn(boost::asio::awaitable<void> child);
  std::size_t running() const;
  // Returns when one more child has ended; at once when none runs.
  boost::asio::awaitable<void> wait_for_one();
  // Returns when no child runs.
  boost::asio::awaitable<void> join();

 private:
  boost::asio::any_io_executor executor_;
  std::weak_ptr<detail::GroupState> state_;  // lives as long as a child runs
};

class Semaphore;

// One permit of a semaphore, given back on destruction. Safe to outlive the Semaphore.
class Permit {
 public:
  // Who waits is served by rank, the smallest first, and among equals in the order of asking.
  static boost::asio::awaitable<Permit> acquire(Semaphore& semaphore, std::uint64_t rank = 0);
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&&) = delete;
  ~Permit();

 private:
  friend struct detail::SemaphoreState;
  explicit Permit(std::shared_ptr<detail::SemaphoreState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::SemaphoreState> state_;
};

// A number of permits, at least one.
class Semaphore {
 public:
  Semaphore(boost::asio::any_io_executor executor, std::size_t permits)
      : executor_(std::move(executor)), permits_(permits) {
    TP_CHECK(permits > 0);
  }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

 private:
  friend class Permit;
  boost::asio::any_io_executor executor_;
  const std::size_t permits_;
  std::weak_ptr<detail::SemaphoreState> state_;  // lives as long as a permit is out
};

}  // namespace taubenpost
