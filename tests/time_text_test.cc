// Times as the command line takes and shows them.
#include "app/time_text.h"

#include <gtest/gtest.h>

namespace taubenpost {
namespace {

constexpr std::uint64_t kNow = 1'800'000'000;

std::uint64_t time(std::string_view text) {
  const Result<std::uint64_t> parsed = parse_time(text, kNow);
  return parsed ? *parsed : 0;
}

TEST(TimeText, Rfc3339_IsUnixSeconds) {
  EXPECT_EQ(time("1970-01-01T00:00:01Z"), 1U);
  EXPECT_EQ(time("2027-01-15T08:00:00Z"), kNow);
  EXPECT_EQ(time("2027-01-15t09:00:00+01:00"), kNow);
  EXPECT_EQ(time("2027-01-15 02:30:00-05:30"), kNow);
  EXPECT_EQ(time("2027-01-15T08:00:00.987z"), kNow);
  EXPECT_EQ(time("2028-02-29T00:00:00Z"), 1'835'395'200U);
}

TEST(TimeText, Duration_CountsFromNow) {
  EXPECT_EQ(time("+0s"), kNow);
  EXPECT_EQ(time("+90m"), kNow + 5'400);
  EXPECT_EQ(time("+1w2d3h4m5s"), kNow + 7 * 86'400 + 2 * 86'400 + 3 * 3'600 + 4 * 60 + 5);
  EXPECT_EQ(time("+3650d"), kNow + 3650ULL * 86'400);
}

TEST(TimeText, AnythingElse_IsUsage) {
  for (const char* const text : {"",
                                 "+",
                                 "+5",
                                 "+h",
                                 "+-5h",
                                 "+5h3",
                                 "+3651d",
                                 "+99999999999999999999s",
                                 "5h",
                                 "tomorrow",
                                 "2027-01-15",
                                 "2027-01-15T08:00:00",
                                 "2027-13-15T08:00:00Z",
                                 "2027-02-29T08:00:00Z",
                                 "2027-01-15T24:00:00Z",
                                 "2027-01-15T08:60:00Z",
                                 "2027-01-15T08:00:00.Z",
                                 "2027-01-15T08:00:00+25:00",
                                 "2027-01-15T08:00:00+01:00x",
                                 "2027-01-15T08:00:00Zz",
                                 "1969-12-31T23:59:59Z",
                                 "+1d +2h",
                                 "2027-1-15T08:00:00Z",
                                 "2027-01-15T08:00:+0Z"}) {
    const Result<std::uint64_t> parsed = parse_time(text, kNow);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kUsage);
  }
}

TEST(TimeText, Utc_IsReadable) {
  EXPECT_EQ(utc(kNow), "2027-01-15 08:00:00 UTC");
  EXPECT_EQ(utc(0), "1970-01-01 00:00:00 UTC");
}

}  // namespace
}  // namespace taubenpost
