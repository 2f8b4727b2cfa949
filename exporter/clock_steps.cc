#include "exporter/clock_steps.h"

#include <time.h>

#include <chrono>

namespace mailcow {
namespace {

// How exactly the two clocks are read together. Less than this is no step.
constexpr absl::Duration kExactness = absl::Milliseconds(1);
constexpr absl::Duration kStep = absl::Milliseconds(10);

absl::Duration ReadClock(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

absl::Time TimeOfDay() {
  return absl::FromChrono(std::chrono::system_clock::now());
}

std::optional<absl::Duration> TimeOfBoot() {
  // Between two readings, the scheduler may take its time.
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    const absl::Duration before = ReadClock(CLOCK_BOOTTIME);
    const absl::Duration time_of_day = ReadClock(CLOCK_REALTIME);
    const absl::Duration after = ReadClock(CLOCK_BOOTTIME);
    if (after - before < kExactness) return time_of_day - before;
  }
  return std::nullopt;
}

double ClockSteps::Look(std::optional<absl::Duration> time_of_boot) {
  absl::MutexLock lock(&mutex_);
  if (!time_of_boot.has_value()) return count_;
  if (last_.has_value() && absl::AbsDuration(*time_of_boot - *last_) > kStep) {
    ++count_;
  }
  last_ = time_of_boot;
  return count_;
}

}  // namespace mailcow
