#include "exporter/clock_steps.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace mailcow {
namespace {

// What the tests make of the kernel's clocks.
struct FakeClocks {
  absl::Duration time_of_day_ahead;
  // So many times, reading the time since the boot takes so long.
  int slow_readings = 0;
  absl::Duration slow_reading;
  absl::Duration time_since_boot_ahead;
};

FakeClocks fake;

class TimeOfBootTest : public testing::Test {
 protected:
  ~TimeOfBootTest() override { fake = FakeClocks(); }
};

}  // namespace
}  // namespace mailcow

// Stands before that of the C library.
extern "C" int clock_gettime(clockid_t id, timespec* now) noexcept {
  using mailcow::fake;
  const long result = syscall(SYS_clock_gettime, id, now);
  absl::Duration ahead = absl::ZeroDuration();
  if (id == CLOCK_REALTIME) ahead = fake.time_of_day_ahead;
  if (id == CLOCK_BOOTTIME) {
    if (fake.slow_readings-- > 0) {
      fake.time_since_boot_ahead += fake.slow_reading;
    }
    ahead = fake.time_since_boot_ahead;
  }
  if (ahead != absl::ZeroDuration()) {
    *now = absl::ToTimespec(absl::DurationFromTimespec(*now) + ahead);
  }
  return static_cast<int>(result);
}

namespace mailcow {
namespace {

constexpr absl::Duration kBoot = absl::Hours(500'000);

TEST(ClockSteps, TheFirstLookCountsNothing) {
  ClockSteps steps;
  EXPECT_EQ(steps.Look(kBoot), 0);
}

TEST(ClockSteps, AClockThatGoesOnIsNotStepped) {
  ClockSteps steps;
  steps.Look(kBoot);
  EXPECT_EQ(steps.Look(kBoot), 0);
  EXPECT_EQ(steps.Look(kBoot + absl::Microseconds(900)), 0);
}

TEST(ClockSteps, CountsAStepForwardAndOneBack) {
  ClockSteps steps;
  steps.Look(kBoot);
  EXPECT_EQ(steps.Look(kBoot + absl::Hours(1)), 1);
  EXPECT_EQ(steps.Look(kBoot), 2);
}

TEST(ClockSteps, CountsAStepOnce) {
  ClockSteps steps;
  steps.Look(kBoot);
  EXPECT_EQ(steps.Look(kBoot + absl::Seconds(1)), 1);
  EXPECT_EQ(steps.Look(kBoot + absl::Seconds(1)), 1);
  EXPECT_EQ(steps.Look(kBoot + absl::Seconds(1)), 1);
}

TEST(ClockSteps, TenMillisecondsAreNoStepAndMoreAreOne) {
  for (const int sign : {1, -1}) {
    ClockSteps steps;
    steps.Look(kBoot);
    EXPECT_EQ(steps.Look(kBoot + sign * absl::Milliseconds(10)), 0) << sign;
  }
  for (const int sign : {1, -1}) {
    ClockSteps steps;
    steps.Look(kBoot);
    EXPECT_EQ(steps.Look(kBoot + sign * absl::Milliseconds(11)), 1) << sign;
  }
}

TEST(ClockSteps, StepsAreToldFromTheLastLookNotFromTheFirst) {
  ClockSteps steps;
  steps.Look(kBoot);
  EXPECT_EQ(steps.Look(kBoot + absl::Milliseconds(6)), 0);
  EXPECT_EQ(steps.Look(kBoot + absl::Milliseconds(12)), 0);
}

TEST(ClockSteps, AStepIsSeenAcrossALookThatFailed) {
  ClockSteps steps;
  EXPECT_EQ(steps.Look(std::nullopt), 0);
  EXPECT_EQ(steps.Look(kBoot), 0);
  EXPECT_EQ(steps.Look(std::nullopt), 0);
  EXPECT_EQ(steps.Look(kBoot + absl::Seconds(1)), 1);
  EXPECT_EQ(steps.Look(std::nullopt), 1);
}

TEST_F(TimeOfBootTest, IsTheSameAtEveryCall) {
  const std::optional<absl::Duration> first = TimeOfBoot();
  const std::optional<absl::Duration> second = TimeOfBoot();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  EXPECT_LE(absl::AbsDuration(*second - *first), absl::Milliseconds(2));
}

TEST_F(TimeOfBootTest, IsTheTimeOfDayLessTheTimeSinceTheBoot) {
  timespec time_of_day;
  timespec since_boot;
  clock_gettime(CLOCK_REALTIME, &time_of_day);
  clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const absl::Duration expected = absl::DurationFromTimespec(time_of_day) -
                                  absl::DurationFromTimespec(since_boot);
  const std::optional<absl::Duration> time_of_boot = TimeOfBoot();
  ASSERT_TRUE(time_of_boot.has_value());
  EXPECT_LE(absl::AbsDuration(*time_of_boot - expected), absl::Seconds(60));
}

TEST_F(TimeOfBootTest, MovesWithAStepOfTheTimeOfDay) {
  const std::optional<absl::Duration> before = TimeOfBoot();
  fake.time_of_day_ahead = -absl::Hours(1);
  const std::optional<absl::Duration> after = TimeOfBoot();
  ASSERT_TRUE(before.has_value());
  ASSERT_TRUE(after.has_value());
  EXPECT_LE(absl::AbsDuration(*after - *before + absl::Hours(1)),
            absl::Milliseconds(2));
}

TEST_F(TimeOfBootTest, AStepOfTheTimeOfDayIsCountedOnce) {
  ClockSteps steps;
  EXPECT_EQ(steps.Look(TimeOfBoot()), 0);
  fake.time_of_day_ahead = absl::Seconds(5);
  EXPECT_EQ(steps.Look(TimeOfBoot()), 1);
  EXPECT_EQ(steps.Look(TimeOfBoot()), 1);
}

TEST_F(TimeOfBootTest, IsReadAgainWhereTheReadingsWereFarApart) {
  fake.slow_readings = 4;
  fake.slow_reading = absl::Milliseconds(100);
  EXPECT_TRUE(TimeOfBoot().has_value());
}

TEST_F(TimeOfBootTest, IsNothingWhereTheReadingsAreAlwaysFarApart) {
  fake.slow_readings = 1000;
  fake.slow_reading = absl::Milliseconds(1);
  EXPECT_EQ(TimeOfBoot(), std::nullopt);
}

}  // namespace
}  // namespace mailcow
