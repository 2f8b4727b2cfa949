// The daemons that keep a host's clock right, and which of them are on.

#ifndef COLLECTORS_TIME_DAEMON_H_
#define COLLECTORS_TIME_DAEMON_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collectors/host.h"
#include "collectors/service.h"
#include "collectors/time_sources.h"

namespace mailcow {

struct TimeDaemon {
  Service service;
  // What its configuration tells it to ask.
  absl::StatusOr<TimeSources> (*read_sources)(const Files& files);
  // How to name a server to it.
  absl::string_view remedy;
  // Whether timedatectl turns it on: Debian lists it in
  // /usr/lib/systemd/ntp-units.d.
  bool is_timedatectls = false;
};

// Where two are on, the one that is named first is the one to keep.
absl::Span<const TimeDaemon> TimeDaemons();

// A daemon that is installed, on, or both.
struct FoundTimeDaemon {
  const TimeDaemon* daemon;
  std::string unit;  // "chrony.service"; empty without systemd
  bool is_on = false;
  std::string file_state;  // "enabled", "disabled", "masked"
};

// Where systemd runs the host, its units tell which are on, as timedatectl has
// it; elsewhere the processes.
struct TimeDaemonsFound {
  absl::StatusOr<std::vector<FoundTimeDaemon>> daemons;
  bool has_systemd = false;
};

// Asks systemd, so it may wait.
TimeDaemonsFound FindTimeDaemons(const Host& host);

std::vector<FoundTimeDaemon> DaemonsThatAreOn(
    const std::vector<FoundTimeDaemon>& daemons);

// "chrony (chrony.service, enabled); ..."
std::string Describe(const std::vector<FoundTimeDaemon>& daemons);

// The command that turns one of `daemons` on, or installs one where there is
// none. Only where systemd runs the host.
std::string TurnOnCommand(const std::vector<FoundTimeDaemon>& daemons);

// The command that stops all but the first for good; empty without systemd.
std::string KeepOneCommand(const std::vector<FoundTimeDaemon>& daemons);

}  // namespace mailcow

#endif  // COLLECTORS_TIME_DAEMON_H_
