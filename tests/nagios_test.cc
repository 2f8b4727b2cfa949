#include "exporter/nagios.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::HasSubstr;

constexpr Requirement kMemory = {.id = "memory",
                                 .unit = Unit::kBytes,
                                 .required = AtLeast(1024, 24),
                                 .recommended = AtLeast(6144),
                                 .what = "",
                                 .source = ""};
constexpr Requirement kForeign = {.id = "foreign_listeners",
                                  .unit = Unit::kCount,
                                  .required = AtMost(0),
                                  .what = "",
                                  .source = ""};
constexpr Requirement kSynchronized = {
    .id = "ntp_synchronized", .required = Yes(), .what = "", .source = ""};
constexpr Requirement kOffset = {
    .id = "clock_offset", .unit = Unit::kSeconds, .what = "", .source = ""};
constexpr Requirement kOs = {
    .id = "os_info", .unit = Unit::kInfo, .what = "", .source = ""};

std::string Render(std::vector<Finding> findings) {
  return RenderNagios({.sections = {{.topic = "topic",
                                     .cadence = std::nullopt,
                                     .findings = std::move(findings)}}});
}

TEST(CheckExitStatus, IsZeroWhenReady) {
  EXPECT_EQ(CheckExitStatus({.met = 3}), 0);
  EXPECT_EQ(CheckExitStatus({.unmet_recommended = 1, .unknown_recommended = 1}),
            0);
}

TEST(CheckExitStatus, IsOneForUnmetAndThreeForUnknown) {
  EXPECT_EQ(CheckExitStatus({.unmet_required = 1}), 1);
  EXPECT_EQ(CheckExitStatus({.unknown_required = 1}), 3);
}

TEST(CheckExitStatus, UnmetOutweighsUnknown) {
  EXPECT_EQ(CheckExitStatus({.unmet_required = 1, .unknown_required = 1}), 1);
}

TEST(RenderNagios, AReadyHostIsOk) {
  EXPECT_EQ(Render({{&kForeign, {.labels = {}, .value = 0}}}),
            "MAILCOW HOST OK - ready | 'foreign_listeners'=0;;0\n");
}

TEST(RenderNagios, AnUnmetRequirementIsAWarningThatNamesIt) {
  EXPECT_THAT(Render({{&kForeign, {.labels = {{"port", "25"}}, .value = 1}},
                      {&kSynchronized, {.labels = {}, .value = 0}}}),
              HasSubstr("MAILCOW HOST WARNING - foreign_listeners 25 unmet, "
                        "ntp_synchronized unmet |"));
}

TEST(RenderNagios, AnUnknownRequirementIsUnknownAndHasNoNumber) {
  EXPECT_EQ(
      Render({{&kMemory, {.labels = {}, .value = absl::DataLossError("")}}}),
      "MAILCOW HOST UNKNOWN - memory unknown | \n");
}

TEST(RenderNagios, WhatIsOnlyRecommendedIsNotNamed) {
  EXPECT_THAT(Render({{&kMemory, {.labels = {}, .value = 2000}}}),
              HasSubstr("MAILCOW HOST OK - ready |"));
}

TEST(RenderNagios, LimitsInForceAreRangesRecommendedFirst) {
  EXPECT_THAT(Render({{&kMemory, {.labels = {}, .value = 2000}}}),
              HasSubstr("'memory'=2000B;6144:;1000:"));
}

TEST(RenderNagios, AFactIsANumberWithUnitButWithoutLimits) {
  EXPECT_THAT(
      Render({{&kOffset, {.labels = {{"source", "kernel"}}, .value = 0.5}}}),
      HasSubstr("| 'clock_offset kernel'=0.5s;;\n"));
}

// The guidelines for monitoring plugins allow [-0-9.] in a value.
TEST(RenderNagios, ANumberHasNoExponent) {
  EXPECT_THAT(Render({{&kOffset, {.labels = {}, .value = 0.000012}}}),
              HasSubstr("'clock_offset'=0.000012s;;"));
}

TEST(RenderNagios, YesOrNoAndInformationAreNoPerformanceData) {
  EXPECT_THAT(Render({{&kSynchronized, {.labels = {}, .value = 1}},
                      {&kOs, {.labels = {{"id", "debian"}}, .value = 1}}}),
              HasSubstr("| \n"));
}

TEST(RenderNagios, TextOfTheHostBreaksNeitherLineNorPerformanceData) {
  const std::string line =
      Render({{&kForeign, {.labels = {{"port", "|'=\n"}}, .value = 1}}});
  EXPECT_THAT(line, HasSubstr("foreign_listeners _'=\\x0a unmet |"));
  EXPECT_THAT(line, HasSubstr("'foreign_listeners ___\\x0a'=1;;0"));
}

TEST(RenderNagios, ACounterIsMarkedAsOne) {
  constexpr Requirement kSteps = {
      .id = "clock_steps", .unit = Unit::kTotal, .what = "", .source = ""};
  EXPECT_THAT(Render({{&kSteps, {.labels = {}, .value = 2}}}),
              HasSubstr("'clock_steps'=2c;;"));
}

}  // namespace
}  // namespace mailcow
