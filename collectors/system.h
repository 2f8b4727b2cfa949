// The topic system: architecture, kernel, distribution and virtualization.

#ifndef COLLECTORS_SYSTEM_H_
#define COLLECTORS_SYSTEM_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/collector.h"
#include "collectors/virtualization.h"

namespace mailcow {

// What os-release(5) says.
struct OsRelease {
  std::string id;       // "debian"
  std::string version;  // "12"; empty for a rolling distribution
  std::string name;     // "Debian GNU/Linux 12 (bookworm)"
};

// DataLoss where the text has no ID, or a line is no assignment.
absl::StatusOr<OsRelease> ParseOsRelease(absl::string_view text);

// The first two numbers of a version: "6.1.0-18-amd64" is 6.1. DataLoss.
struct Version {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};
absl::StatusOr<Version> ParseVersion(absl::string_view text);

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
