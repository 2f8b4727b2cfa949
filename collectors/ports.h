// The topic ports: for each TCP port that mailcow publishes, whether its value
// in mailcow.conf can work, who holds it, and whether mailcow serves it.

#ifndef COLLECTORS_PORTS_H_
#define COLLECTORS_PORTS_H_

#include <memory>
#include <string>

#include "collectors/collector.h"

namespace mailcow {

// `mailcow_directory` is where mailcow.conf lies.
std::unique_ptr<Collector> MakePortsCollector(std::string mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_PORTS_H_
