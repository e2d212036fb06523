// Throwaway: runs of one process in virtual time that can be thrown away at any step, as by a kill.
//
// A step is what its owner says is one: a durable commit, a side of an effect in the network.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "support/virtual_clock.h"

namespace taubenpost {

class Throwaway {
 public:
  // `reopen` brings back what is durable, while the io_context of the killed process still exists.
  Throwaway(VirtualClock& clock, std::function<void()> reopen)
      : clock_(clock), reopen_(std::move(reopen)) {}

  // Runs an awaitable of T to its end, or until the process is thrown away at step `kill_at`
  // (0: never).
  template <class T>
  std::optional<T> run_until_killed(std::function<boost::asio::awaitable<T>()> work,
                                    std::uint64_t kill_at) {
    boost::asio::io_context loop(1);
    std::optional<T> result;
    io_ = &loop;
    steps_ = 0;
    kill_at_ = kill_at;
    killed_ = false;
    boost::asio::co_spawn(loop, keep(work(), &result), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    const bool ended = clock_.run(loop, [&] { return result.has_value() || killed_; });
    TP_CHECK(ended);
    kill_at_ = 0;
    if (killed_) {
      reopen_();
      clock_.forget_sleepers();
      return std::nullopt;
    }
    loop.restart();
    loop.run();  // until the thread of the store has let go of the loop
    return result;
  }
  template <class T>
  T run(boost::asio::awaitable<T> work) {
    std::shared_ptr<boost::asio::awaitable<T>> kept =
        std::make_shared<boost::asio::awaitable<T>>(std::move(work));
    return std::move(*run_until_killed<T>([kept] { return std::move(*kept); }, 0));
  }

  void step() {
    TP_CHECK(steps_ < 100'000);  // it goes round in circles
    if (++steps_ != kill_at_) return;
    killed_ = true;
    io_->stop();  // what comes next of this process never runs: it sleeps until it is destroyed
  }
  std::uint64_t steps() const { return steps_; }  // of the last run

 private:
  template <class T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> work, std::optional<T>* out) {
    T result = co_await std::move(work);
    out->emplace(std::move(result));
  }

  VirtualClock& clock_;
  const std::function<void()> reopen_;
  boost::asio::io_context* io_ = nullptr;
  std::uint64_t steps_ = 0, kill_at_ = 0;
  bool killed_ = false;
};

}  // namespace taubenpost
