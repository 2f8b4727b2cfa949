#include "collectors/posix_tz.h"

#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The changes of a year, such as "2017-03-26 01:00:00 to CEST", in universal
// time.
std::vector<std::string> Changes(absl::string_view rule, int64_t year) {
  std::vector<std::string> changes;
  for (const Transition& transition :
       TransitionsIn(ParsePosixTz(rule).value(), year)) {
    changes.push_back(
        absl::StrCat(absl::FormatTime("%Y-%m-%d %H:%M:%S",
                                      absl::FromUnixSeconds(transition.at),
                                      absl::UTCTimeZone()),
                     " to ", transition.type.abbreviation));
  }
  return changes;
}

// When daylight saving time begins by `date`, in a zone at universal time.
std::string Begin(absl::string_view date, int64_t year) {
  const auto rule = ParsePosixTz(absl::StrCat("STD0DST,", date, ",J365"));
  const int64_t at = TransitionsIn(rule.value(), year).front().at;
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(at),
                          absl::UTCTimeZone());
}

int64_t StandardOffset(absl::string_view rule) {
  return ParsePosixTz(rule).value().standard.utc_offset_seconds;
}

bool IsMalformed(absl::string_view rule) {
  return absl::IsDataLoss(ParsePosixTz(rule).status());
}

TEST(ParsePosixTz, ZoneWithoutDaylightSavingTimeIsANameAndAnOffset) {
  const PosixTz rule = ParsePosixTz("JST-9").value();
  EXPECT_EQ(rule.standard.abbreviation, "JST");
  EXPECT_EQ(rule.standard.utc_offset_seconds, 9 * 3600);
  EXPECT_FALSE(rule.standard.is_dst);
  EXPECT_FALSE(rule.daylight.has_value());
}

TEST(ParsePosixTz, OffsetsCountWestOfGreenwich) {
  EXPECT_EQ(StandardOffset("EST5"), -5 * 3600);
  EXPECT_EQ(StandardOffset("EST+5"), -5 * 3600);
  EXPECT_EQ(StandardOffset("CET-1"), 3600);
  EXPECT_EQ(StandardOffset("UTC0"), 0);
}

TEST(ParsePosixTz, OffsetMayHaveMinutesAndSeconds) {
  EXPECT_EQ(StandardOffset("NST3:30"), -(3 * 3600 + 30 * 60));
  EXPECT_EQ(StandardOffset("LMT-0:53:28"), 53 * 60 + 28);
  EXPECT_EQ(StandardOffset("LMT-00:53:28"), 53 * 60 + 28);
}

TEST(ParsePosixTz, OffsetReachesTwentyFourHours) {
  EXPECT_EQ(StandardOffset("FAR24"), -24 * 3600);
  EXPECT_EQ(StandardOffset("FAR-24"), 24 * 3600);
  EXPECT_TRUE(IsMalformed("FAR25"));
  EXPECT_TRUE(IsMalformed("FAR-25"));
}

TEST(ParsePosixTz, MinutesAndSecondsReachFiftyNine) {
  EXPECT_EQ(StandardOffset("ABC-1:59:59"), 3600 + 59 * 60 + 59);
  EXPECT_TRUE(IsMalformed("ABC-1:60"));
  EXPECT_TRUE(IsMalformed("ABC-1:59:60"));
}

TEST(ParsePosixTz, NameInAngleBracketsMayHaveDigitsAndSigns) {
  const PosixTz rule =
      ParsePosixTz("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").value();
  EXPECT_EQ(rule.standard.abbreviation, "+1030");
  EXPECT_EQ(rule.standard.utc_offset_seconds, 37800);
  EXPECT_EQ(rule.daylight->type.abbreviation, "+11");
  EXPECT_EQ(rule.daylight->type.utc_offset_seconds, 39600);
}

TEST(ParsePosixTz, NameHasAtLeastThreeCharacters) {
  EXPECT_FALSE(IsMalformed("ABC1"));
  EXPECT_TRUE(IsMalformed("AB1"));
  EXPECT_FALSE(IsMalformed("<-03>3"));
  EXPECT_TRUE(IsMalformed("<-3>3"));
  EXPECT_TRUE(IsMalformed("<>3"));
}

TEST(ParsePosixTz, DaylightSavingTimeIsAnHourAheadUnlessItSaysOtherwise) {
  const auto daylight = ParsePosixTz("CET-1CEST,M3.5.0,M10.5.0/3")->daylight;
  EXPECT_TRUE(daylight->type.is_dst);
  EXPECT_EQ(daylight->type.abbreviation, "CEST");
  EXPECT_EQ(daylight->type.utc_offset_seconds, 2 * 3600);
  EXPECT_EQ(ParsePosixTz("IST-1GMT0,M10.5.0,M3.5.0/1")
                ->daylight->type.utc_offset_seconds,
            0);
}

TEST(ParsePosixTz, DaylightSavingTimeNeedsBothItsDates) {
  EXPECT_TRUE(IsMalformed("CET-1CEST"));
  EXPECT_TRUE(IsMalformed("CET-1CEST,"));
  EXPECT_TRUE(IsMalformed("CET-1CEST,M3.5.0"));
  EXPECT_TRUE(IsMalformed("CET-1CEST,M3.5.0,"));
  EXPECT_FALSE(IsMalformed("CET-1CEST,M3.5.0,M10.5.0"));
  EXPECT_TRUE(IsMalformed("CET-1,M3.5.0,M10.5.0"));
}

TEST(ParsePosixTz, EveryPrefixOfARuleIsMalformedOrARuleByItself) {
  const std::string rule = "CET-1CEST,M3.5.0,M10.5.0/13";
  std::vector<std::string> rules;
  for (size_t length = 0; length < rule.size(); ++length) {
    const std::string prefix = rule.substr(0, length);
    if (!IsMalformed(prefix)) rules.push_back(prefix);
  }
  EXPECT_THAT(rules, ElementsAre("CET-1", "CET-1CEST,M3.5.0,M10.5.0",
                                 "CET-1CEST,M3.5.0,M10.5.0/1"));
}

TEST(ParsePosixTz, NothingFollowsTheRule) {
  EXPECT_TRUE(IsMalformed("CET-1 "));
  EXPECT_TRUE(IsMalformed("CET-1CEST,M3.5.0,M10.5.0/3,"));
  EXPECT_TRUE(IsMalformed("CET-1CEST,M3.5.0,M10.5.0/3 "));
}

TEST(ParsePosixTz, DatesAreInTheirRanges) {
  for (const char* date : {"M1.1.0", "M12.5.6", "J1", "J365", "0", "365",
                           "0/167", "0/-167:59:59", "0/0"}) {
    EXPECT_FALSE(IsMalformed(absl::StrCat("STD0DST,", date, ",J365"))) << date;
    EXPECT_FALSE(IsMalformed(absl::StrCat("STD0DST,0,", date))) << date;
  }
  for (const char* date :
       {"M0.1.0", "M13.1.0", "M1.0.0", "M1.6.0", "M1.1.7", "M1.1",
        "M1",     "M",       "M1,1,0", "J0",     "J366",   "J",
        "366",    "-1",      "",       "0/168",  "0/-168", "0/",
        "0/1:",   "0/1:1:",  "0/1:60", "0/+-1",  "1000000"}) {
    EXPECT_TRUE(IsMalformed(absl::StrCat("STD0DST,", date, ",J365"))) << date;
    EXPECT_TRUE(IsMalformed(absl::StrCat("STD0DST,0,", date))) << date;
  }
}

TEST(ParsePosixTz, MessageQuotesTheRule) {
  EXPECT_THAT(ParsePosixTz("nonsense").status().message(),
              HasSubstr("\"nonsense\""));
}

TEST(TransitionsIn, NorthernSummerBeginsInSpring) {
  EXPECT_THAT(
      Changes("CET-1CEST,M3.5.0,M10.5.0/3", 2017),
      ElementsAre("2017-03-26 01:00:00 to CEST", "2017-10-29 01:00:00 to CET"));
}

TEST(TransitionsIn, SouthernSummerEndsInAutumn) {
  EXPECT_THAT(Changes("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2026),
              ElementsAre("2026-04-04 15:00:00 to +1030",
                          "2026-10-03 15:30:00 to +11"));
}

TEST(TransitionsIn, DaylightSavingTimeMayBeBehind) {
  EXPECT_THAT(
      Changes("IST-1GMT0,M10.5.0,M3.5.0/1", 2017),
      ElementsAre("2017-03-26 01:00:00 to IST", "2017-10-29 01:00:00 to GMT"));
}

TEST(TransitionsIn, ZoneWithoutDaylightSavingTimeHasNone) {
  EXPECT_THAT(Changes("JST-9", 2017), IsEmpty());
}

// 2026-03-01 is a Sunday, 2026-05-31 is one, 2026-02-28 is a Saturday.
TEST(TransitionsIn, WeekdayIsTheNthOfItsMonth) {
  EXPECT_EQ(Begin("M3.1.0", 2026), "2026-03-01 02:00:00");
  EXPECT_EQ(Begin("M3.2.0", 2026), "2026-03-08 02:00:00");
  EXPECT_EQ(Begin("M3.4.0", 2026), "2026-03-22 02:00:00");
  EXPECT_EQ(Begin("M3.1.1", 2026), "2026-03-02 02:00:00");
  EXPECT_EQ(Begin("M3.1.6", 2026), "2026-03-07 02:00:00");
}

TEST(TransitionsIn, FifthWeekdayIsTheLastOfItsMonth) {
  EXPECT_EQ(Begin("M3.5.0", 2026), "2026-03-29 02:00:00");
  EXPECT_EQ(Begin("M5.5.0", 2026), "2026-05-31 02:00:00");
  EXPECT_EQ(Begin("M4.5.0", 2026), "2026-04-26 02:00:00");
  EXPECT_EQ(Begin("M2.5.6", 2026), "2026-02-28 02:00:00");
  EXPECT_EQ(Begin("M2.5.4", 2024), "2024-02-29 02:00:00");
}

TEST(TransitionsIn, JulianDayNeverCountsTheLeapDay) {
  EXPECT_EQ(Begin("J1", 2024), "2024-01-01 02:00:00");
  EXPECT_EQ(Begin("J59", 2024), "2024-02-28 02:00:00");
  EXPECT_EQ(Begin("J60", 2024), "2024-03-01 02:00:00");
  EXPECT_EQ(Begin("J60", 2023), "2023-03-01 02:00:00");
  EXPECT_EQ(Begin("J364", 2024), "2024-12-30 02:00:00");
}

TEST(TransitionsIn, CenturiesHaveALeapDayOnceInFour) {
  EXPECT_EQ(Begin("59", 2000), "2000-02-29 02:00:00");
  EXPECT_EQ(Begin("59", 2100), "2100-03-01 02:00:00");
  EXPECT_EQ(Begin("J60", 2000), "2000-03-01 02:00:00");
  EXPECT_EQ(Begin("J60", 2100), "2100-03-01 02:00:00");
}

TEST(TransitionsIn, ZeroBasedDayCountsTheLeapDay) {
  EXPECT_EQ(Begin("0", 2024), "2024-01-01 02:00:00");
  EXPECT_EQ(Begin("59", 2024), "2024-02-29 02:00:00");
  EXPECT_EQ(Begin("59", 2023), "2023-03-01 02:00:00");
}

TEST(TransitionsIn, TimeOfDayIsTwoUnlessItSaysOtherwise) {
  EXPECT_EQ(Begin("J100", 2023), "2023-04-10 02:00:00");
  EXPECT_EQ(Begin("J100/0", 2023), "2023-04-10 00:00:00");
  EXPECT_EQ(Begin("J100/3:04:05", 2023), "2023-04-10 03:04:05");
  EXPECT_EQ(Begin("J100/24", 2023), "2023-04-11 00:00:00");
}

// As in Greenland's "<-02>2<-01>,M3.5.0/-1,M10.5.0/0".
TEST(TransitionsIn, TimeMayLieInAnotherDay) {
  EXPECT_EQ(Begin("M3.5.0/-1", 2026), "2026-03-28 23:00:00");
  EXPECT_EQ(Begin("J100/167", 2023), "2023-04-16 23:00:00");
  EXPECT_EQ(Begin("J100/-0:30", 2023), "2023-04-09 23:30:00");
}

TEST(TransitionsIn, DaylightSavingTimeThatLastsAllYearEndsInTheNext) {
  EXPECT_THAT(
      Changes("EST5EDT,0/0,J365/25", 2026),
      ElementsAre("2026-01-01 05:00:00 to EDT", "2027-01-01 05:00:00 to EST"));
}

}  // namespace
}  // namespace mailcow
