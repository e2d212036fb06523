#include "engine/task_group.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <utility>

#include "base/check.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace detail {

// One suspended coroutine. Destroying it without resume() unwinds the coroutine.
struct Waiter {
  virtual ~Waiter() = default;
  virtual void resume() = 0;
};

template <class Handler>
struct WaiterOf final : Waiter {
  explicit WaiterOf(Handler h) : handler(std::move(h)) {}
  void resume() override {
    auto executor = asio::get_associated_executor(handler);
    asio::post(executor, std::move(handler));
  }
  Handler handler;
};

struct WaitList {
  explicit WaitList(asio::any_io_executor e) : executor(std::move(e)) {}

  asio::awaitable<void> wait() {
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this](auto handler) {
          waiters.push_back(std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler)));
        },
        asio::use_awaitable);
  }
  void wake_one() {
    TP_CHECK(!waiters.empty());
    std::unique_ptr<Waiter> first = std::move(waiters.front());
    waiters.pop_front();
    first->resume();
  }
  void wake_all() {
    while (!waiters.empty()) wake_one();
  }

  asio::any_io_executor executor;
  std::deque<std::unique_ptr<Waiter>> waiters;
};

struct GroupState {
  explicit GroupState(asio::any_io_executor executor) : ended(std::move(executor)) {}
  WaitList ended;
  std::size_t running = 0;
};

struct SemaphoreState {
  SemaphoreState(asio::any_io_executor executor, std::size_t permits)
      : waiting(std::move(executor)), available(permits) {}

  // A permit goes straight to the first that waits, so that nobody overtakes.
  void release() {
    if (waiting.waiters.empty()) {
      ++available;
    } else {
      waiting.wake_one();
    }
  }

  WaitList waiting;
  std::size_t available;
};

}  // namespace detail

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : state_(std::make_shared<detail::GroupState>(std::move(executor))) {}

void TaskGroup::spawn(asio::awaitable<void> child) {
  ++state_->running;
  asio::co_spawn(state_->ended.executor, std::move(child),
                 [state = state_](std::exception_ptr failure) {
                   --state->running;
                   state->ended.wake_all();
                   if (failure) std::rethrow_exception(failure);
                 });
}

std::size_t TaskGroup::running() const { return state_->running; }

asio::awaitable<void> TaskGroup::wait_for_one() {
  if (state_->running > 0) co_await state_->ended.wait();
}

asio::awaitable<void> TaskGroup::join() {
  while (state_->running > 0) co_await state_->ended.wait();
}

Semaphore::Semaphore(asio::any_io_executor executor, std::size_t permits)
    : state_(std::make_shared<detail::SemaphoreState>(std::move(executor), permits)) {}

asio::awaitable<void> Semaphore::acquire() {
  if (state_->available > 0) {
    --state_->available;
    co_return;
  }
  co_await state_->waiting.wait();
}

void Semaphore::release() { state_->release(); }

asio::awaitable<Permit> Permit::acquire(Semaphore& semaphore) {
  co_await semaphore.acquire();
  co_return Permit(semaphore.state_);
}

Permit::~Permit() {
  if (state_) state_->release();
}

}  // namespace taubenpost
