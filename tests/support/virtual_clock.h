// VirtualClock and SeededRandom: the engine's time and randomness in a test.
//
// Time stands still until nothing is left to run, then jumps to the next event: one that sleeps in
// the running process, or something in the world around it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <utility>

#include "ports/clock.h"

namespace taubenpost {

class VirtualClock : public ports::Clock {
 public:
  using Event = std::uint64_t;  // 0 is never handed out

  std::uint64_t unix_ms() const override { return 1'800'000'000'000 + now_ms_; }
  std::uint64_t monotonic_ms() const override { return now_ms_; }
  boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override {
    const auto executor = co_await boost::asio::this_coro::executor;
    auto timer = std::make_shared<boost::asio::steady_timer>(
        executor, boost::asio::steady_timer::time_point::max());
    wake_after(duration, timer);
    boost::system::error_code woken;
    co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }

  // Runs `work` once after `delay`, for the world around the processes.
  Event after(std::chrono::milliseconds delay, std::function<void()> work) {
    return add(delay, std::move(work), /*of_process=*/false);
  }
  // Ends the wait of a timer of the running process after `delay`.
  Event wake_after(std::chrono::milliseconds delay,
                   std::shared_ptr<boost::asio::steady_timer> timer) {
    return add(delay, [timer = std::move(timer)] { timer->cancel(); }, /*of_process=*/true);
  }
  // Also one that has run.
  void cancel(Event event) {
    std::erase_if(events_, [event](const auto& item) { return item.first.second == event; });
  }

  // Lets the next event happen; false if there is none.
  bool jump() {
    if (events_.empty()) return false;
    const auto next = events_.extract(events_.begin());
    now_ms_ = std::max(now_ms_, next.key().first);
    next.mapped().work();
    return true;
  }

  // Lets time pass for the world around, while no process runs.
  void pass(std::chrono::milliseconds time) {
    const std::uint64_t end = now_ms_ + static_cast<std::uint64_t>(time.count());
    while (!events_.empty() && events_.begin()->first.first <= end) jump();
    now_ms_ = std::max(now_ms_, end);
  }
  // As when a machine wakes up again: all that was to happen meanwhile happens late.
  void skip(std::chrono::milliseconds time) { now_ms_ += static_cast<std::uint64_t>(time.count()); }

  // Before the io_context of those that still sleep is destroyed.
  void forget_sleepers() {
    std::erase_if(events_, [](const auto& item) { return item.second.of_process; });
    held = 0;
  }
  int held = 0;  // while positive, time stands still: something real is on its way

  // Runs `io` until `done` says so. False if nothing happens any more: a deadlock.
  template <class Done>
  bool run(boost::asio::io_context& io, Done done) {
    constexpr auto kLimit = std::chrono::seconds(60);
    while (!done()) {
      if (io.stopped()) io.restart();
      if (io.poll() > 0 || done()) continue;
      if (held == 0 && jump()) continue;
      if (io.run_one_for(kLimit) == 0) return false;
    }
    return true;
  }

 private:
  struct Work {
    std::function<void()> work;
    bool of_process;
  };

  Event add(std::chrono::milliseconds delay, std::function<void()> work, bool of_process) {
    const Event event = ++last_;
    events_[{now_ms_ + static_cast<std::uint64_t>(delay.count()), event}] = {std::move(work),
                                                                             of_process};
    return event;
  }

  std::uint64_t now_ms_ = 0;
  Event last_ = 0;
  std::map<std::pair<std::uint64_t, Event>, Work> events_;  // by time, then by age
};

class SeededRandom : public ports::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }
  std::uint64_t below(std::uint64_t bound) override { return engine_() % bound; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace taubenpost
