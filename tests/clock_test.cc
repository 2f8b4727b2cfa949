#include "collectors/clock.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;

Collected Collect(const FakeHost& host) {
  return host.CollectWith(MakeClockCollector());
}

Reading Single(const FakeHost& host, absl::string_view id) {
  return ReadingsOf(Collect(host), id).front();
}

double Value(const ClockState& clock, absl::string_view id) {
  FakeHost host;
  host.kernel.clock = clock;
  return *Single(host, id).value;
}

TEST(Clock, TimeIsServedInSecondsAndShownAsADate) {
  FakeHost host;
  host.kernel.now = absl::FromUnixSeconds(1494073320) + absl::Milliseconds(250);
  const Reading time = Single(host, "time");
  EXPECT_DOUBLE_EQ(*time.value, 1494073320.25);
  EXPECT_EQ(time.detail, "Sat 2017-05-06 12:22:00 UTC");
}

TEST(Clock, IsSynchronizedBelowSixteenSecondsOfPossibleError) {
  EXPECT_EQ(Value({.max_error_seconds = 15.999999}, "ntp_synchronized"), 1);
  EXPECT_EQ(Value({.max_error_seconds = 16}, "ntp_synchronized"), 0);
}

TEST(Clock, FlagAloneDoesNotMakeItUnsynchronized) {
  const ClockState chrony_without_rtcsync = {.max_error_seconds = 0.01,
                                             .unsynchronized_flag = true};
  EXPECT_EQ(Value(chrony_without_rtcsync, "ntp_synchronized"), 1);
  EXPECT_EQ(Value(chrony_without_rtcsync, "clock_unsynchronized_flag"), 1);
}

TEST(Clock, FlagOfAClockInStepIsNotSet) {
  EXPECT_EQ(Value({.unsynchronized_flag = false}, "clock_unsynchronized_flag"),
            0);
}

TEST(Clock, PossibleErrorIsServedAsItIs) {
  EXPECT_EQ(Value({.max_error_seconds = 0.0125}, "clock_max_error"), 0.0125);
}

TEST(Clock, LeapSecondIsPendingWhileTheKernelSaysSo) {
  EXPECT_EQ(Value({.leap_second_pending = true}, "leap_second_pending"), 1);
  EXPECT_EQ(Value({.leap_second_pending = false}, "leap_second_pending"), 0);
}

TEST(Clock, StepsAreServedAsTheyWereCounted) {
  FakeHost host;
  host.kernel.clock_steps = 2.0;
  EXPECT_EQ(*Single(host, "clock_steps").value, 2);
  host.kernel.clock_steps = 0.0;
  EXPECT_EQ(*Single(host, "clock_steps").value, 0);
}

TEST(Clock, RefusedAdjtimexMakesUnknownWhatItTells) {
  FakeHost host;
  host.kernel.now = absl::FromUnixSeconds(1494073320);
  host.kernel.clock = absl::PermissionDeniedError("adjtimex: not permitted");
  host.kernel.clock_steps = 0.0;
  for (const char* id : {"ntp_synchronized", "clock_max_error",
                         "clock_unsynchronized_flag", "leap_second_pending"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(Single(host, id).value.status()))
        << id;
  }
  EXPECT_TRUE(Single(host, "time").value.ok());
  EXPECT_TRUE(Single(host, "clock_steps").value.ok());
}

TEST(Clock, UnknownTimeAndStepsLeaveTheRestKnown) {
  FakeHost host;
  host.kernel.clock = ClockState{.max_error_seconds = 0.01};
  host.kernel.now = absl::UnavailableError("no time");
  host.kernel.clock_steps = absl::UnavailableError("no steps");
  EXPECT_EQ(Single(host, "time").value.status().message(), "no time");
  EXPECT_EQ(Single(host, "clock_steps").value.status().message(), "no steps");
  EXPECT_EQ(*Single(host, "ntp_synchronized").value, 1);
}

TEST(Clock, EveryNumberHasOneSubject) {
  std::vector<absl::string_view> ids;
  const FakeHost host;
  for (const Finding& finding : Collect(host).findings) {
    ids.push_back(finding.requirement->id);
    EXPECT_TRUE(finding.reading.labels.empty()) << finding.requirement->id;
  }
  EXPECT_THAT(ids, ElementsAre("time", "ntp_synchronized", "clock_max_error",
                               "clock_unsynchronized_flag",
                               "leap_second_pending", "clock_steps"));
}

TEST(MakeClockCollector, RequiresSynchronizationAlone) {
  const auto collector = MakeClockCollector();
  for (const Requirement* requirement : collector->requirements()) {
    EXPECT_EQ(requirement->required.has_value(),
              requirement->id == "ntp_synchronized")
        << requirement->id;
  }
}

TEST(MakeClockCollector, IsReadAtScrapeTime) {
  EXPECT_FALSE(MakeClockCollector()->cadence().has_value());
}

}  // namespace
}  // namespace mailcow
