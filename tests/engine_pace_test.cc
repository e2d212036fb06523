#include <gtest/gtest.h>

#include "engine/pace.h"

namespace taubenpost {
namespace {

TEST(Pace, NothingMeasured_LooksLongAndMoreAndMoreSeldom) {
  const Pace pace;
  EXPECT_EQ(pace.look_ms(0), 4'000U);
  EXPECT_EQ(pace.pause_ms(32, 4'000), 1'000U);
  EXPECT_EQ(pace.pause_ms(32, 8'000), 2'000U);
  EXPECT_EQ(pace.pause_ms(32, 40ULL * 60'000), 60'000U);
}

TEST(Pace, Look_LastsHalfAsLongAgainAsTheWritesBefore) {
  Pace pace;
  pace.wrote(1'000);
  EXPECT_EQ(pace.look_ms(0), 1'500U);
  for (int i = 0; i < 100; ++i) pace.wrote(3'000);
  EXPECT_GT(pace.look_ms(0), 4'400U);
  EXPECT_LE(pace.look_ms(0), 4'500U);
}

TEST(Pace, NetworkWithoutRates_IsNotAskedWithoutEnd) {
  Pace pace;
  for (int i = 0; i < 100; ++i) pace.wrote(1);
  EXPECT_EQ(pace.look_ms(0), 100U);
}

TEST(Pace, AnswersThatHaveBecomeSlower_GetThroughInTheEnd) {
  Pace pace;
  pace.wrote(500);
  std::uint64_t since_ms = 0;
  while (pace.look_ms(since_ms) < 30'000) {
    since_ms += pace.look_ms(since_ms);
    since_ms += pace.pause_ms(8, since_ms);
    ASSERT_LT(since_ms, 15ULL * 60'000);
  }
}

TEST(Pace, MeasuredCopy_IsLookedAtWhenItShouldBeOver) {
  Pace pace;
  pace.copied(32, 6'400, 4);
  EXPECT_EQ(pace.pause_ms(32, 1'400), 5'000U);
  EXPECT_EQ(pace.pause_ms(64, 1'800), 11'000U);
  EXPECT_EQ(pace.pause_ms(32, 6'800), 1'700U) << "late: a quarter of its age";
}

TEST(Pace, CopyThatIsOverWhenExpected_IsExpectedEarlierNextTime) {
  Pace pace;
  pace.copied(32, 6'400, 3);
  pace.copied(32, 6'400, 2);
  EXPECT_EQ(pace.pause_ms(32, 0), 5'600U);
}

TEST(Pace, ShortOrUnseenCopies_SayNothing) {
  Pace pace;
  pace.copied(7, 6'400, 3);
  pace.copied(32, 1, 1);
  EXPECT_EQ(pace.pause_ms(32, 4'000), 1'000U);
}

TEST(Pace, VerySlowCourier_IsAskedEveryMinute) {
  Pace pace;
  pace.copied(8, 3'600'000, 5);
  EXPECT_EQ(pace.pause_ms(8, 0), 60'000U);
}

}  // namespace
}  // namespace taubenpost
