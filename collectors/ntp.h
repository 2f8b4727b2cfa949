// The topic ntp: whether a time daemon is on and is told which servers to ask.

#ifndef COLLECTORS_NTP_H_
#define COLLECTORS_NTP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "collectors/collector.h"
#include "collectors/time_daemon.h"
#include "collectors/time_sources.h"

namespace mailcow {

struct NtpFacts {
  TimeDaemonsFound found;
  // Not known where it is not known which daemon is on: what is left over of
  // another does not count.
  absl::StatusOr<TimeSources> sources;
};

// Asks systemd, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeNtpCollector();

}  // namespace mailcow

#endif  // COLLECTORS_NTP_H_
