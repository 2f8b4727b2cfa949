#include "exporter/time_block.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_report.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Requirement kTime = {
    .id = "time", .unit = Unit::kSeconds, .what = "", .source = ""};
constexpr Requirement kZone = {
    .id = "time_zone_info", .unit = Unit::kInfo, .what = "", .source = ""};
constexpr Requirement kOffset = {
    .id = "time_zone_offset", .unit = Unit::kSeconds, .what = "", .source = ""};
constexpr Requirement kRtc = {
    .id = "rtc_offset", .unit = Unit::kSeconds, .what = "", .source = ""};
constexpr Requirement kNtp = {
    .id = "ntp_enabled", .required = Yes(), .what = "", .source = ""};

Finding Known(const Requirement& requirement, double value,
              std::string detail = "") {
  return {&requirement,
          {.labels = {}, .value = value, .detail = std::move(detail)}};
}

Finding Unknown(const Requirement& requirement) {
  return {&requirement, {.labels = {}, .value = absl::NotFoundError("gone")}};
}

std::vector<std::string> LinesOf(std::vector<Finding> findings) {
  const Report report = ReportOf(std::move(findings));
  const std::vector<Row> rows = RowsOf(report);
  std::vector<std::string> lines;
  for (const TimeLine& line : TimeBlock(rows)) {
    lines.push_back(line.title + ": " + line.text);
  }
  return lines;
}

// The sample of mailcow's page.
constexpr double kSample = 1494029553;

TEST(TimeBlock, IsInTheOrderOfTimedatectlWhateverThatOfTheReportIs) {
  EXPECT_THAT(
      LinesOf({Known(kNtp, 1),
               Known(kOffset, 7200, "CEST"),
               {&kZone, {.labels = {{"zone", "Europe/Berlin"}}, .value = 1}},
               Known(kTime, kSample, "Sat 2017-05-06 00:12:33 UTC")}),
      ElementsAre("Local time: Sat 2017-05-06 02:12:33 CEST",
                  "Universal time: Sat 2017-05-06 00:12:33 UTC",
                  "Time zone: Europe/Berlin (CEST, +0200)",
                  "NTP enabled: yes"));
}

TEST(TimeBlock, WithoutAZoneThereIsNoLocalTime) {
  EXPECT_THAT(LinesOf({Unknown(kOffset), Known(kTime, kSample, "now")}),
              ElementsAre("Local time: ?", "Universal time: now"));
}

TEST(TimeBlock, ZoneThatHasNoDataHasItsNameAlone) {
  EXPECT_THAT(
      LinesOf({Unknown(kOffset),
               {&kZone, {.labels = {{"zone", "Mars/Base"}}, .value = 1}}}),
      ElementsAre("Time zone: Mars/Base"));
}

TEST(TimeBlock, ChipThatIsOffSaysByHowMuch) {
  EXPECT_THAT(LinesOf({Known(kRtc, 0, "Sat 12:00:00")}),
              ElementsAre("RTC time: Sat 12:00:00"));
  EXPECT_THAT(LinesOf({Known(kRtc, -3, "Sat 12:00:00")}),
              ElementsAre("RTC time: Sat 12:00:00 (-3 s)"));
}

TEST(TimeBlock, WhatIsUnknownHasAQuestionMark) {
  EXPECT_THAT(LinesOf({Unknown(kNtp)}), ElementsAre("NTP enabled: ?"));
}

TEST(TimeBlock, OtherRequirementsAreNotInIt) {
  const Report report = ReportOf({Known(kMemory, 1), Known(kOffset, 0)});
  const std::vector<Row> rows = RowsOf(report);
  EXPECT_THAT(TimeBlock(rows), IsEmpty());
  EXPECT_FALSE(IsInTimeBlock(rows.front()));
  EXPECT_TRUE(IsInTimeBlock(rows.back()));
}

}  // namespace
}  // namespace mailcow
