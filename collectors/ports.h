// The topic ports: for each TCP port that mailcow publishes, whether its value
// in mailcow.conf can work, and whose the listeners are that stand in its way.

#ifndef COLLECTORS_PORTS_H_
#define COLLECTORS_PORTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/collector.h"
#include "collectors/port_value.h"

namespace mailcow {

// A listener that stands in the way of a port, and whose it is.
struct Holder {
  Listener listener;
  Owner owner;
};

struct PortFacts {
  const PortDefinition* definition;
  PortValue value;
  int times_set = 0;  // lines of mailcow.conf that set the variable
  absl::StatusOr<std::vector<Holder>> holders;
};

struct PortsFacts {
  std::vector<PortFacts> ports;
};

// The systemd unit in a cgroup's path, "exim4.service" of
// "/system.slice/exim4.service"; empty where there is none.
std::string UnitOf(absl::string_view cgroup);

// Whether a listener is Docker's or foreign. An error where neither its process
// nor its systemd unit is known.
absl::StatusOr<bool> IsForeign(const Owner& owner);

// `mailcow_directory` is where mailcow.conf lies.
std::unique_ptr<Collector> MakePortsCollector(std::string mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_PORTS_H_
