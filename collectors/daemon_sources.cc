#include "collectors/daemon_sources.h"

#include <string>
#include <vector>

namespace mailcow {

absl::StatusOr<TimeSources> ReadSourcesOf(const TimeDaemonsFound& found,
                                          const Files& files) {
  std::vector<const TimeDaemon*> daemons;
  const auto known = found.daemons.value_or(std::vector<FoundTimeDaemon>());
  const auto on = DaemonsThatAreOn(known);
  for (const FoundTimeDaemon& each : on.empty() ? known : on) {
    daemons.push_back(each.daemon);
  }
  if (daemons.empty()) {
    for (const TimeDaemon& daemon : TimeDaemons()) daemons.push_back(&daemon);
  }
  const bool is_known = !known.empty();
  TimeSources all;
  for (const TimeDaemon* daemon : daemons) {
    const absl::StatusOr<TimeSources> sources = daemon->read_sources(files);
    if (!sources.ok()) return sources.status();
    for (const std::string& server : sources->servers) all.AddServer(server);
    all.reference_clocks += sources->reference_clocks;
    if (!is_known) continue;
    all.why_none = sources->why_none;
    if (sources->outdated.empty()) continue;
    all.outdated = sources->outdated;
    all.update = sources->update;
  }
  return all;
}

}  // namespace mailcow
