#include "engine/task_group.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <string>

namespace taubenpost {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> yield() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

class TaskGroupTest : public testing::Test {
 protected:
  asio::io_context io{1};
  TaskGroup group{io.get_executor()};
  std::string trace;
};

asio::awaitable<void> write_after(std::string& trace, char letter, int yields) {
  for (int i = 0; i < yields; ++i) co_await yield();
  trace += letter;
}

asio::awaitable<void> join_then_write(TaskGroup& children, std::string& trace, char letter) {
  co_await children.join();
  trace += letter;
}

TEST_F(TaskGroupTest, Join_WaitsForEveryChild) {
  TaskGroup parents(io.get_executor());
  group.spawn(write_after(trace, 'b', 5));
  group.spawn(write_after(trace, 'a', 2));
  parents.spawn(join_then_write(group, trace, 'z'));
  io.run();
  EXPECT_EQ(trace, "abz");
  EXPECT_EQ(group.running(), 0U);
}

TEST_F(TaskGroupTest, JoinOfAnEmptyGroup_ReturnsAtOnce) {
  TaskGroup parents(io.get_executor());
  parents.spawn(join_then_write(group, trace, 'z'));
  io.run();
  EXPECT_EQ(trace, "z");
}

asio::awaitable<void> bounded_parent(TaskGroup& children, std::string& trace, std::size_t* most) {
  for (int i = 0; i < 10; ++i) {
    while (children.running() >= 3) co_await children.wait_for_one();
    children.spawn(write_after(trace, 'x', i % 4));
    *most = std::max(*most, children.running());
  }
  co_await children.join();
}

TEST_F(TaskGroupTest, WaitForOne_BoundsTheChildren) {
  TaskGroup parents(io.get_executor());
  std::size_t most = 0;
  parents.spawn(bounded_parent(group, trace, &most));
  io.run();
  EXPECT_EQ(trace, "xxxxxxxxxx");
  EXPECT_EQ(most, 3U);
}

asio::awaitable<void> fail_later() {
  co_await yield();
  throw std::runtime_error("child");
}

TEST_F(TaskGroupTest, ExceptionInAChild_LeavesTheLoop) {
  group.spawn(fail_later());
  EXPECT_THROW(io.run(), std::runtime_error);
  EXPECT_EQ(group.running(), 0U);
}

asio::awaitable<void> use_permit(Semaphore& semaphore, std::string& trace, char letter,
                                 int* holders) {
  Permit permit = co_await Permit::acquire(semaphore);
  EXPECT_LE(++*holders, 2);
  trace += letter;
  co_await yield();
  co_await yield();
  --*holders;
}

TEST_F(TaskGroupTest, Permits_AreGivenInTheOrderOfAskingAndNeverTooMany) {
  Semaphore semaphore(io.get_executor(), 2);
  int holders = 0;
  for (const char letter : {'a', 'b', 'c', 'd', 'e', 'f'})
    group.spawn(use_permit(semaphore, trace, letter, &holders));
  io.run();
  EXPECT_EQ(trace, "abcdef");
  EXPECT_EQ(holders, 0);
}

asio::awaitable<void> use_ranked(Semaphore& semaphore, std::string& trace, char letter,
                                 std::uint64_t rank) {
  Permit permit = co_await Permit::acquire(semaphore, rank);
  trace += letter;
  co_await yield();
}

TEST_F(TaskGroupTest, Permits_AreGivenByRankAndThenInTheOrderOfAsking) {
  Semaphore semaphore(io.get_executor(), 1);
  const std::uint64_t ranks[] = {9, 5, 7, 5, 1, 7};
  for (std::size_t i = 0; i < std::size(ranks); ++i)
    group.spawn(use_ranked(semaphore, trace, static_cast<char>('a' + i), ranks[i]));
  io.run();
  EXPECT_EQ(trace, "aebdcf");  // the first found it free
}

// Counts the coroutines that hold one.
struct Alive {
  explicit Alive(int* count) : count_(count) { ++*count_; }
  ~Alive() { --*count_; }
  Alive(const Alive&) = delete;
  int* count_;
};

asio::awaitable<void> never_ends(Semaphore& semaphore, int* alive) {
  const Alive counted(alive);
  Permit permit = co_await Permit::acquire(semaphore);
  for (;;) co_await yield();
}

// Waits for its own children, one of which works while the others wait for its permit.
asio::awaitable<void> parent_of_those(int* alive) {
  const Alive counted(alive);
  const auto executor = co_await asio::this_coro::executor;
  Semaphore semaphore(executor, 1);
  TaskGroup children(executor);
  for (int i = 0; i < 3; ++i) children.spawn(never_ends(semaphore, alive));
  co_await children.join();
}

TEST_F(TaskGroupTest, LoopDestroyedWhileAllWait_UnwindsEveryCoroutine) {
  int alive = 0;
  {
    asio::io_context doomed(1);
    TaskGroup parents(doomed.get_executor());
    parents.spawn(parent_of_those(&alive));
    for (int i = 0; i < 20; ++i) doomed.poll_one();
    EXPECT_EQ(alive, 4);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace taubenpost
