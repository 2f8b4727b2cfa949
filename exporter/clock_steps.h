// Notices when the clock is set to another time. Slewing moves the time since
// the boot just as much as the time of day; a step moves only the latter.

#ifndef EXPORTER_CLOCK_STEPS_H_
#define EXPORTER_CLOCK_STEPS_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mailcow {

// The time of day. Debian 12's absl::Now() asks the kernel only every two
// seconds, and does not see that the clock was set since then.
absl::Time TimeOfDay();

// How far the time of day is ahead of the time since the boot. Nothing where
// the two could not be read at the same moment.
std::optional<absl::Duration> TimeOfBoot();

// Thread-safe.
class ClockSteps {
 public:
  // Counts a step where `time_of_boot` differs from that of the last call.
  // Returns how many there were.
  double Look(std::optional<absl::Duration> time_of_boot);

 private:
  absl::Mutex mutex_;
  std::optional<absl::Duration> last_ ABSL_GUARDED_BY(mutex_);
  double count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mailcow

#endif  // EXPORTER_CLOCK_STEPS_H_
