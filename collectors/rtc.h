// The topic rtc: the real-time clock, a chip that keeps the time while the host
// is off.

#ifndef COLLECTORS_RTC_H_
#define COLLECTORS_RTC_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/collector.h"

namespace mailcow {

struct RtcFacts {
  absl::StatusOr<bool> is_present;
  // What the chip shows, to the second; NotFound where there is none.
  absl::StatusOr<absl::Time> time;
  // The time of day when that was read.
  absl::StatusOr<absl::Time> now;
  absl::StatusOr<bool> in_local_time_zone;
  // Local time minus universal time, in seconds.
  absl::StatusOr<double> utc_offset_seconds;
};

// Whether /etc/adjtime (hwclock(8)) says that the chip keeps local time.
// DataLoss.
absl::StatusOr<bool> ParseAdjtime(absl::string_view text);

// Reading a chip takes time, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeRtcCollector();

}  // namespace mailcow

#endif  // COLLECTORS_RTC_H_
