#include "collectors/clock.h"

#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

Collected Collect(const absl::StatusOr<ClockState>& clock) {
  FakeHost host;
  host.kernel.clock = clock;
  return host.CollectWith(*MakeClockCollector());
}

double Value(const ClockState& clock, absl::string_view id) {
  return *ReadingsOf(Collect(clock), id).front().value;
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

TEST(Clock, OffsetKeepsItsSignAndNamesItsSource) {
  const auto readings =
      ReadingsOf(Collect(ClockState{.offset_seconds = -0.25}), "clock_offset");
  EXPECT_EQ(*readings.front().value, -0.25);
  EXPECT_EQ(readings.front().labels, (Labels{{"source", "kernel"}}));
}

TEST(Clock, PossibleErrorIsServedAsItIs) {
  EXPECT_EQ(Value({.max_error_seconds = 0.0125}, "clock_max_error"), 0.0125);
}

TEST(Clock, RefusedAdjtimexMakesEverythingUnknown) {
  const Collected collected =
      Collect(absl::PermissionDeniedError("adjtimex: not permitted"));
  EXPECT_EQ(collected.findings.size(), 4);
  for (const Finding& finding : collected.findings) {
    EXPECT_TRUE(absl::IsPermissionDenied(finding.reading.value.status()));
  }
}

}  // namespace
}  // namespace mailcow
