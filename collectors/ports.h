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
#include "collectors/holder.h"
#include "collectors/port_value.h"

namespace mailcow {

struct PortFacts {
  const PortDefinition* definition;
  PortValue value;
  int times_set = 0;  // lines of mailcow.conf that set the variable
  absl::StatusOr<std::vector<Holder>> holders;
};

struct PortsFacts {
  std::vector<PortFacts> ports;
};

// `mailcow_directory` is where mailcow.conf lies.
std::unique_ptr<Collector> MakePortsCollector(std::string mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_PORTS_H_
