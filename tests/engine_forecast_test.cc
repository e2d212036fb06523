// The measured rate, the ends that follow from it, and what is refused for it.
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/forecast.h"
#include "engine/steer_send.h"
#include "engine/upload_rate.h"
#include "support/send_steps.h"

namespace taubenpost {
namespace {

constexpr std::size_t kChunk = SendWorld::kChunk;
constexpr std::uint64_t kMiB = 1 << 20;

// ---- the meter ----

TEST(UploadRateTest, SteadyPackets_AreTheirRate) {
  UploadRate meter;
  for (std::uint64_t i = 0; i <= 15; ++i) meter.count(5'000 + i * 500);
  EXPECT_FALSE(meter.take(0));  // not enough yet
  meter.count(5'000 + 16 * 500);
  EXPECT_EQ(meter.take(0), 2'000U);
  EXPECT_FALSE(meter.take(0));
}

TEST(UploadRateTest, NewRate_IsAQuarterOfTheAnswer) {
  UploadRate meter;
  for (std::uint64_t i = 0; i <= 16; ++i) meter.count(i * 1'000);
  EXPECT_EQ(meter.take(2'000), 1'750U);
}

TEST(UploadRateTest, PauseOfADay_CountsForAMinute) {
  UploadRate meter;
  for (std::uint64_t i = 0; i <= 8; ++i) meter.count(i * 1'000);
  for (std::uint64_t i = 0; i < 8; ++i) meter.count(86'400'000 + i * 1'000);
  EXPECT_EQ(meter.take(0), 16'000'000U / (8'000 + 60'000 + 7'000));
}

TEST(UploadRateTest, ClockThatStandsOrGoesBack_IsNoDivisionByZero) {
  UploadRate meter;
  for (std::uint64_t i = 0; i <= 16; ++i) meter.count(1'000 - i);
  EXPECT_TRUE(meter.take(0));
}

// ---- the queue ----

class EngineForecastTest : public testing::Test {
 protected:
  void SetUp() override { world.channel("anna"); }
  std::uint64_t now() const { return world.clock.unix_ms() / 1000; }
  void measured(std::uint64_t packets_in_1000_s) {
    ports::Transaction step;
    step.upload_rate(packets_in_1000_s);
    ASSERT_TRUE(world.run(world.store->commit(std::move(step))));
  }
  // Of `size` bytes, without content.
  SendRequest request_of(std::uint64_t size) {
    SendRequest request;
    request.sources = {world.file("file" + std::to_string(++files_), {})};
    std::filesystem::resize_file(request.sources.front(), size);
    request.to = {"anna"};
    return request;
  }
  Result<JobId> queue(SendRequest request) {
    return world.run(enqueue_send(world.ports(), std::move(request)));
  }
  std::map<JobId, std::uint64_t> ends() const {
    return *forecast(*world.store, *world.store->send_job_rows(), now());
  }

  SendWorld world;

 private:
  int files_ = 0;
};

TEST_F(EngineForecastTest, NothingMeasured_SaysNothingAndRefusesNothing) {
  ASSERT_TRUE(queue(request_of(900 * kMiB)));
  EXPECT_TRUE(ends().empty());
  EXPECT_TRUE(is_usually_too_large(900 * kMiB));
  EXPECT_FALSE(is_usually_too_large(500 * kMiB));
}

TEST_F(EngineForecastTest, QueuedBodies_EndInTheOrderOfTheirTurns) {
  measured(500);
  const JobId first = *queue(request_of(100 * kChunk));
  const JobId second = *queue(request_of(200 * kChunk));
  SendRequest urgent = request_of(100 * kChunk);
  urgent.priority = 1;
  const JobId third = *queue(urgent);
  SendRequest later = request_of(100 * kChunk);
  later.not_before = now() + 100'000;
  const JobId fourth = *queue(later);
  const JobId held = *queue(request_of(100 * kChunk));
  ASSERT_TRUE(world.run(pause_send(world.ports(), held)));
  const JobId letter = *queue(request_of(100));
  const auto by_id = ends();
  const auto after = [&](const JobId& id) { return by_id.at(id) - now(); };
  EXPECT_NEAR(static_cast<double>(after(third)), 262, 3);  // 131 packets, 2 s each
  EXPECT_NEAR(static_cast<double>(std::min(after(first), after(second))), 524, 270);
  EXPECT_NEAR(static_cast<double>(std::max(after(first), after(second))), 1046, 5);
  EXPECT_NEAR(static_cast<double>(after(fourth)), 100'262, 3);
  EXPECT_FALSE(by_id.contains(held));
  EXPECT_FALSE(by_id.contains(letter));
}

TEST_F(EngineForecastTest, WhatAgesOutBeforeItIsFetched_IsRefusedWithWhatFits) {
  measured(1'000);
  const Result<JobId> refused = queue(request_of(1'500 * kMiB));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_NE(refused.error().what.find("days"), std::string::npos) << refused.error().what;
  EXPECT_TRUE(world.store->send_jobs()->empty());
  // What it says would fit does fit, and twice of it does not.
  const std::string& hint = refused.error().hint;
  const std::uint64_t fits = std::stoull(hint.substr(hint.find("most ") + 5));
  EXPECT_GT(fits, 500U);
  EXPECT_LT(fits, 1'300U);
  EXPECT_FALSE(queue(request_of(2 * fits * kMiB)));
  EXPECT_TRUE(queue(request_of(fits * kMiB)));
  SendRequest risky = request_of(1'500 * kMiB);
  risky.allow_expiry_risk = true;
  EXPECT_TRUE(queue(risky));
}

TEST_F(EngineForecastTest, WorkAhead_DelaysTheBeginningAndRefusesNothing) {
  measured(1'000);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(queue(request_of(400 * kMiB)));
}

class EngineForecastOfWayTest : public EngineForecastTest,
                                public testing::WithParamInterface<Way> {};
INSTANTIATE_TEST_SUITE_P(Way, EngineForecastOfWayTest, testing::Values(Way::kCopy, Way::kDirect),
                         way_name);

TEST_P(EngineForecastOfWayTest, Upload_MeasuresTheRateAndTheForecastFollowsIt) {
  SendRequest request = request_of(0);
  request.transport = GetParam();
  request.sources = {world.file("first", SendWorld::pattern(40 * kChunk))};
  ASSERT_TRUE(queue(request));
  ASSERT_TRUE(world.run_engine());
  const std::uint64_t rate = world.store->identity()->upload_rate;
  const std::uint64_t packets = GetParam() == Way::kDirect ? kPacketsOfConfirmedWrite : 1;
  EXPECT_GT(rate, 1'000U * packets);  // four at a time, a second each
  EXPECT_LT(rate, 5'000U * packets);  // the first of a few is not counted in full
  request.sources = {world.file("second", SendWorld::pattern(40 * kChunk))};
  const JobId id = *queue(request);
  const std::uint64_t begun = now();
  const std::uint64_t promised = ends().at(id) - begun;
  ASSERT_TRUE(world.run_engine());
  const std::uint64_t taken = world.job(id).sent - begun;
  EXPECT_GT(taken * 2, promised);
  EXPECT_LT(taken, promised * 3);
}

}  // namespace
}  // namespace taubenpost
