// TaskGroup, Semaphore, Permit: concurrency inside the engine's one
// thread, without timers.
//
// All of it belongs to the thread of one io_context; nothing here locks. A
// child is never cut off half way: it ends by itself, and looks at a flag of
// its parent where it should end early. Destroying the io_context is the hard
// stop; then nothing here touches a destroyed parent.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>

namespace taubenpost {

namespace detail {
struct GroupState;
struct SemaphoreState;
}  // namespace detail

// Children that run beside their parent. The parent joins before what the
// children refer to dies.
class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts a child; it may run at once up to its first wait. Its coroutine
  // takes parameters by value, or references to what lives until join(). An
  // exception in it leaves io_context::run().
  void spawn(boost::asio::awaitable<void> child);
  std::size_t running() const;
  // Returns when one more child has ended; at once when none runs.
  boost::asio::awaitable<void> wait_for_one();
  // Returns when no child runs.
  boost::asio::awaitable<void> join();

 private:
  std::shared_ptr<detail::GroupState> state_;
};

// A number of permits, handed out in the order of asking.
class Semaphore {
 public:
  Semaphore(boost::asio::any_io_executor executor, std::size_t permits);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Returns when the caller has a permit; Permit::acquire gives it back by
  // itself.
  boost::asio::awaitable<void> acquire();
  void release();

 private:
  friend class Permit;
  std::shared_ptr<detail::SemaphoreState> state_;
};

// One permit of a semaphore, given back on destruction. Safe to outlive the
// Semaphore.
class Permit {
 public:
  static boost::asio::awaitable<Permit> acquire(Semaphore& semaphore);
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&&) = delete;
  ~Permit();

 private:
  explicit Permit(std::shared_ptr<detail::SemaphoreState> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::SemaphoreState> state_;
};

}  // namespace taubenpost
