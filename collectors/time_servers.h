// The topic time_servers: how far the clock is off by what time servers say.

#ifndef COLLECTORS_TIME_SERVERS_H_
#define COLLECTORS_TIME_SERVERS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/collector.h"
#include "collectors/time_daemon.h"

namespace mailcow {

struct TimeServerSettings {
  // Asked instead of those that the host's time daemon asks.
  std::vector<std::string> servers = {};
  // The offset from which on the clock is not accurate.
  absl::Duration max_offset = absl::Seconds(1);
};

struct TimeServersFacts {
  TimeDaemonsFound found;
  // Why it is not known whom to ask; OK where it is.
  absl::Status unknown_servers;
  // Each server that was asked, and what it says.
  std::vector<std::pair<std::string, absl::StatusOr<ServerTime>>> answers;
  absl::StatusOr<ClockState> kernel;
  absl::Duration max_offset;
  absl::Duration age;  // of the oldest answer
};

// How far the clock is behind the servers that answered sanely, each of which
// counts once, whatever names it has.
std::vector<double> OffsetsSeconds(const TimeServersFacts& facts);

// The median of them: one that lies among three does not turn it. Unavailable,
// with the reasons, where none answered so.
absl::StatusOr<double> MedianOffsetSeconds(const TimeServersFacts& facts);

// Asks systemd and time servers, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeTimeServersCollector(
    TimeServerSettings settings);

}  // namespace mailcow

#endif  // COLLECTORS_TIME_SERVERS_H_
