// What is known of the host's time daemons, of the servers they ask, and of
// what those servers say.

#ifndef COLLECTORS_NTP_FACTS_H_
#define COLLECTORS_NTP_FACTS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/host.h"
#include "collectors/time_daemon.h"
#include "collectors/time_sources.h"

namespace mailcow {

struct NtpSettings {
  // Asked instead of those that the host's time daemon asks.
  std::vector<std::string> servers = {};
  // The offset from which on the clock is not accurate.
  absl::Duration max_offset = absl::Seconds(1);
};

struct NtpFacts {
  TimeDaemonsFound found;
  absl::StatusOr<TimeSources> sources;
  // Each server that was asked, and what it says.
  std::vector<std::pair<std::string, absl::StatusOr<ServerTime>>> answers;
  absl::StatusOr<ClockState> kernel;
  absl::Duration max_offset;
  absl::Duration age;  // of the oldest answer
};

// Of the servers that answered sanely: one that lies among three does not turn
// it. Unavailable, with the reasons, where none did.
absl::StatusOr<double> MedianOffsetSeconds(const NtpFacts& facts);

std::vector<FoundTimeDaemon> DaemonsThatAreOn(
    const std::vector<FoundTimeDaemon>& daemons);

// Asks systemd and time servers, so it may wait.
NtpFacts ObserveNtp(const Host& host, const NtpSettings& settings);

}  // namespace mailcow

#endif  // COLLECTORS_NTP_FACTS_H_
