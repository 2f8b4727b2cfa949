#include "collectors/local_time.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {

const LocalTimeType kCest = {
    .utc_offset_seconds = 7200, .is_dst = true, .abbreviation = "CEST"};

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

TEST(FormatLocalTime, IsWhatTheClocksOfThePlaceShow) {
  EXPECT_EQ(FormatLocalTime(At(1490489999), {.utc_offset_seconds = 3600,
                                             .abbreviation = "CET"}),
            "Sun 2017-03-26 01:59:59 CET");
  EXPECT_EQ(FormatLocalTime(At(1490490000), kCest),
            "Sun 2017-03-26 03:00:00 CEST");
}

TEST(FormatLocalTime, MayBeOfAnotherDayThanUniversalTime) {
  EXPECT_EQ(FormatLocalTime(At(1483228800), {.utc_offset_seconds = -5 * 3600,
                                             .abbreviation = "EST"}),
            "Sat 2016-12-31 19:00:00 EST");
}

TEST(FormatLocalTime, LeavesOutPartsOfASecond) {
  EXPECT_EQ(FormatLocalTime(At(1490490000) + absl::Milliseconds(999), kCest),
            "Sun 2017-03-26 03:00:00 CEST");
}

TEST(FormatUniversalTime, IsMarkedAsSuch) {
  EXPECT_EQ(FormatUniversalTime(At(0)), "Thu 1970-01-01 00:00:00 UTC");
  EXPECT_EQ(FormatUniversalTime(At(-1)), "Wed 1969-12-31 23:59:59 UTC");
}

TEST(FormatUtcOffset, HasASignAndFourDigits) {
  EXPECT_EQ(FormatUtcOffset(0), "+0000");
  EXPECT_EQ(FormatUtcOffset(3600), "+0100");
  EXPECT_EQ(FormatUtcOffset(-3600), "-0100");
  EXPECT_EQ(FormatUtcOffset(20700), "+0545");
  EXPECT_EQ(FormatUtcOffset(-12600), "-0330");
  EXPECT_EQ(FormatUtcOffset(50400), "+1400");
}

// The local mean time of Berlin until 1893 was 0:53:28.
TEST(FormatUtcOffset, LeavesOutSeconds) {
  EXPECT_EQ(FormatUtcOffset(3208), "+0053");
  EXPECT_EQ(FormatUtcOffset(-3208), "-0053");
}

}  // namespace
}  // namespace mailcow
