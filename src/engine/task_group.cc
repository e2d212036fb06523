#include "engine/task_group.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <map>
#include <tuple>

#include "base/check.h"

namespace taubenpost {
namespace asio = boost::asio;

namespace detail {

// One suspended coroutine that goes on with a value, or with none. Destroying it without resume()
// unwinds the coroutine.
template <class... Value>
struct Waiter {
  virtual ~Waiter() = default;
  virtual void resume(Value... value) = 0;
};

template <class Handler, class... Value>
struct WaiterOf final : Waiter<Value...> {
  WaiterOf(asio::any_io_executor e, Handler h) : executor(std::move(e)), handler(std::move(h)) {}
  void resume(Value... value) override {
    asio::post(executor,
               [h = std::move(handler), v = std::tuple<Value...>(std::move(value)...)]() mutable {
                 std::apply(std::move(h), std::move(v));
               });
  }
  asio::any_io_executor executor;
  Handler handler;
};

template <class... Value>
class WaitList {
 public:
  explicit WaitList(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // The awaitable refers to this list until it is awaited, and then no more.
  auto wait(std::uint64_t rank = 0) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Value...)>(
        [this, rank](auto handler) {
          waiters_.emplace(rank, std::make_unique<WaiterOf<decltype(handler), Value...>>(
                                     executor_, std::move(handler)));
        },
        asio::use_awaitable);
  }
  void wake_one(Value... value) {
    TP_CHECK(!waiters_.empty());
    const auto first = waiters_.extract(waiters_.begin());
    first.mapped()->resume(std::move(value)...);
  }
  bool empty() const { return waiters_.empty(); }

 private:
  asio::any_io_executor executor_;
  std::multimap<std::uint64_t, std::unique_ptr<Waiter<Value...>>> waiters_;  // by rank, then age
};

struct GroupState {
  explicit GroupState(asio::any_io_executor executor) : ended(std::move(executor)) {}
  WaitList<> ended;
  std::size_t running = 0;
};

struct SemaphoreState : std::enable_shared_from_this<SemaphoreState> {
  SemaphoreState(asio::any_io_executor executor, std::size_t permits)
      : waiting(std::move(executor)), available(permits) {}

  Permit take() {
    TP_CHECK(available > 0);
    --available;
    return Permit(shared_from_this());
  }
  // A permit goes straight to the first that waits: one that asks now does not overtake it.
  void release() {
    ++available;
    if (!waiting.empty()) waiting.wake_one(take());
  }

  WaitList<Permit> waiting;
  std::size_t available;
};

}  // namespace detail

void TaskGroup::spawn(asio::awaitable<void> child) {
  std::shared_ptr<detail::GroupState> state = state_.lock();
  if (!state) state = std::make_shared<detail::GroupState>(executor_);
  state_ = state;
  ++state->running;
  asio::co_spawn(executor_, std::move(child),
                 [state = std::move(state)](std::exception_ptr failure) {
                   --state->running;
                   while (!state->ended.empty()) state->ended.wake_one();
                   if (failure) std::rethrow_exception(failure);
                 });
}

std::size_t TaskGroup::running() const {
  const std::shared_ptr<detail::GroupState> state = state_.lock();
  return state ? state->running : 0;
}

asio::awaitable<void> TaskGroup::wait_for_one() {
  if (running() == 0) co_return;
  // No reference is held while it waits: the children own the state, and with it this coroutine.
  asio::awaitable<void> ended = state_.lock()->ended.wait();
  co_await std::move(ended);
}

asio::awaitable<void> TaskGroup::join() {
  while (running() > 0) co_await wait_for_one();
}

asio::awaitable<Permit> Permit::acquire(Semaphore& semaphore, std::uint64_t rank) {
  std::shared_ptr<detail::SemaphoreState> state = semaphore.state_.lock();
  if (!state)
    state = std::make_shared<detail::SemaphoreState>(semaphore.executor_, semaphore.permits_);
  semaphore.state_ = state;
  if (state->available > 0) co_return state->take();
  asio::awaitable<Permit> waiting = state->waiting.wait(rank);
  state.reset();  // the holders own the state, and with it this coroutine
  Permit permit = co_await std::move(waiting);
  co_return permit;
}

Permit::~Permit() {
  if (state_) state_->release();
}

}  // namespace taubenpost
