// The topic clock: what the kernel says of its time. Two-factor codes (TOTP)
// fail when it is wrong.

#ifndef COLLECTORS_CLOCK_H_
#define COLLECTORS_CLOCK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "collectors/collector.h"

namespace mailcow {

struct ClockFacts {
  absl::StatusOr<absl::Time> now;
  absl::StatusOr<ClockState> kernel;
  absl::StatusOr<double> steps;
};

std::unique_ptr<Collector> MakeClockCollector();

}  // namespace mailcow

#endif  // COLLECTORS_CLOCK_H_
