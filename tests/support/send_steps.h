// Steps of the engine's tests over a SendWorld. What fails is reported in the test that calls them.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string>

#include "engine/task_group.h"
#include "support/send_world.h"

namespace taubenpost {

// Names the instances of a test over ways.
inline std::string way_name(const testing::TestParamInfo<Way>& way) {
  return way.param == Way::kCopy ? "copies" : "direct";
}

// Lets the engine go on until nothing is left to do.
inline void run_all(SendWorld& in, std::size_t finished, std::size_t failed = 0) {
  const Result<RunSummary> summary = in.run_engine();
  ASSERT_TRUE(summary) << summary.error().what;
  EXPECT_EQ(summary->finished, finished);
  EXPECT_EQ(summary->failed, failed);
}

// Goes on, killed one step later each time, until the job is in `state`.
inline void run_until(SendWorld& in, JobId id, SendState state) {
  for (std::uint64_t at = 1; in.job(id).state != state; ++at)
    ASSERT_FALSE(in.run_engine_until(at)) << "never was in that state";
}

// The engine, for work that goes on after something else.
inline boost::asio::awaitable<Status> run_in(SendWorld& in) {
  Engine engine(in.ports(), in.options);
  Result<RunSummary> ran = co_await engine.run_until_idle();
  if (!ran) co_return ran.error();
  co_return ok();
}

// The engine, and beside it what a user does meanwhile.
inline boost::asio::awaitable<Result<RunSummary>> run_beside(SendWorld& in,
                                                             boost::asio::awaitable<void> use) {
  TaskGroup user(co_await boost::asio::this_coro::executor);
  user.spawn(std::move(use));
  Engine engine(in.ports(), in.options);
  Result<RunSummary> summary = co_await engine.run_until_idle();
  co_await user.join();
  co_return summary;
}

// The job's letter is at this position of the channel, the last one there, and leads to a pattern
// of so many bytes.
inline void expect_letter(const SendWorld& in, JobId id, const std::string& channel,
                          std::uint64_t number, std::size_t size) {
  const std::optional<wire::Letter> letter = in.letter(channel, number);
  ASSERT_TRUE(letter) << channel;
  EXPECT_EQ(letter->id, in.job(id).transfer);
  EXPECT_EQ(letter->until, in.job(id).until);
  EXPECT_TRUE(in.content(*letter) == SendWorld::pattern(size));
  EXPECT_FALSE(in.box(channel, number + 1)) << channel;
}

}  // namespace taubenpost
