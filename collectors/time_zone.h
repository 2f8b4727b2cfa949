// The topic time_zone: the host's time zone, and when its daylight saving time
// begins and ends.

#ifndef COLLECTORS_TIME_ZONE_H_
#define COLLECTORS_TIME_ZONE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/collector.h"
#include "collectors/tzif.h"

namespace mailcow {

struct TimeZoneFacts {
  absl::StatusOr<std::string> name;  // "Europe/Berlin"
  absl::StatusOr<ZoneState> state;
};

// The zone of /etc/localtime as it is at `now`. A host without that file is at
// UTC.
TimeZoneFacts ObserveTimeZone(const Files& files,
                              const absl::StatusOr<absl::Time>& now);

// Reads files, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeTimeZoneCollector();

}  // namespace mailcow

#endif  // COLLECTORS_TIME_ZONE_H_
