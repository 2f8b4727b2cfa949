// The topic system: architecture, kernel, distribution and virtualization.

#ifndef COLLECTORS_SYSTEM_H_
#define COLLECTORS_SYSTEM_H_

#include <memory>

#include "absl/status/statusor.h"
#include "collectors/collector.h"
#include "collectors/os_release.h"
#include "collectors/virtualization.h"

namespace mailcow {

struct SystemFacts {
  absl::StatusOr<SystemName> uname;
  absl::StatusOr<OsRelease> os;
  absl::StatusOr<Virtualization> virtualization;
};

// Nothing here changes often and /proc/cpuinfo is slow on large machines, so
// the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeSystemCollector();

}  // namespace mailcow

#endif  // COLLECTORS_SYSTEM_H_
