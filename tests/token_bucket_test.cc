#include "exporter/token_bucket.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {

struct FakeClock {
  absl::Duration now = absl::Hours(1);
  TokenBucket::Clock Get() {
    return [this] { return now; };
  }
};

int TakeAll(TokenBucket& bucket) {
  int taken = 0;
  while (taken < 1000 && bucket.Take()) ++taken;
  return taken;
}

TEST(TokenBucket, IsFullAtFirstAndHoldsTheBurst) {
  FakeClock clock;
  TokenBucket bucket({.burst = 3, .interval = absl::Seconds(1)}, clock.Get());
  EXPECT_EQ(TakeAll(bucket), 3);
}

TEST(TokenBucket, GetsOneTokenEachInterval) {
  FakeClock clock;
  TokenBucket bucket({.burst = 3, .interval = absl::Seconds(1)}, clock.Get());
  TakeAll(bucket);
  clock.now += absl::Milliseconds(999);
  EXPECT_EQ(TakeAll(bucket), 0);
  clock.now += absl::Milliseconds(1);
  EXPECT_EQ(TakeAll(bucket), 1);
  clock.now += absl::Seconds(2);
  EXPECT_EQ(TakeAll(bucket), 2);
}

TEST(TokenBucket, NeverHoldsMoreThanTheBurst) {
  FakeClock clock;
  TokenBucket bucket({.burst = 3, .interval = absl::Seconds(1)}, clock.Get());
  clock.now += absl::Hours(24);
  EXPECT_EQ(TakeAll(bucket), 3);
}

TEST(TokenBucket, WhoIsRefusedPaysNothing) {
  FakeClock clock;
  TokenBucket bucket({.burst = 1, .interval = absl::Seconds(1)}, clock.Get());
  TakeAll(bucket);
  for (int i = 0; i < 9; ++i) {
    clock.now += absl::Milliseconds(100);
    EXPECT_FALSE(bucket.Take());
  }
  clock.now += absl::Milliseconds(100);
  EXPECT_TRUE(bucket.Take());
}

TEST(TokenBucket, BurstOfZeroRefusesAll) {
  FakeClock clock;
  TokenBucket bucket({.burst = 0, .interval = absl::Seconds(1)}, clock.Get());
  clock.now += absl::Hours(1);
  EXPECT_FALSE(bucket.Take());
}

TEST(TokenBucket, IntervalOfZeroLimitsNothing) {
  FakeClock clock;
  TokenBucket bucket({.burst = 0, .interval = absl::ZeroDuration()},
                     clock.Get());
  EXPECT_EQ(TakeAll(bucket), 1000);
}

TEST(TokenBucket, EndlessIntervalGivesTheBurstOnce) {
  FakeClock clock;
  TokenBucket bucket({.burst = 2, .interval = absl::Hours(24 * 365 * 200)},
                     clock.Get());
  clock.now += absl::Hours(1);
  EXPECT_EQ(TakeAll(bucket), 2);
}

TEST(TokenBucket, FollowsTheSteadyClockByItself) {
  TokenBucket bucket({.burst = 2, .interval = absl::Hours(1)});
  EXPECT_EQ(TakeAll(bucket), 2);
}

}  // namespace
}  // namespace mailcow
