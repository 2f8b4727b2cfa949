// What is known of the TCP ports that mailcow publishes: how mailcow.conf sets
// each, who holds it, and which containers are mailcow's.

#ifndef COLLECTORS_PORT_FACTS_H_
#define COLLECTORS_PORT_FACTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/docker_state.h"
#include "collectors/holder.h"
#include "collectors/host.h"
#include "collectors/port_value.h"

namespace mailcow {

struct PortFacts {
  const PortDefinition* definition;
  PortValue value;
  int times_set = 0;  // lines of mailcow.conf that set the variable
  absl::StatusOr<std::vector<Holder>> holders;

  bool operator==(const PortFacts&) const = default;
};

struct PortsFacts {
  std::vector<PortFacts> ports;
  // mailcow's; none before it is installed.
  absl::StatusOr<std::vector<Container>> containers;
  absl::string_view directory;                // of mailcow.conf
  absl::Duration age = absl::ZeroDuration();  // of what Docker said

  bool operator==(const PortsFacts&) const = default;
};

// `mailcow_directory` is where mailcow.conf lies; it must outlive the facts.
PortsFacts ObservePorts(const Host& host, absl::string_view mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_PORT_FACTS_H_
