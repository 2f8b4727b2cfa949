// The distribution of a host and its version.

#ifndef COLLECTORS_OS_RELEASE_H_
#define COLLECTORS_OS_RELEASE_H_

#include <compare>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"

namespace mailcow {

// What os-release(5) says.
struct OsRelease {
  std::string id;       // "debian"
  std::string version;  // "12"; empty for a rolling distribution
  std::string name;     // "Debian GNU/Linux 12 (bookworm)"
};

// DataLoss where the text has no ID, or a line is no assignment.
absl::StatusOr<OsRelease> ParseOsRelease(absl::string_view text);

// Of the file in /etc, or of the one in /usr/lib where that is missing.
absl::StatusOr<OsRelease> ReadOsRelease(const Files& files);

// The first two numbers of a version: "6.1.0-18-amd64" is 6.1. DataLoss.
struct Version {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};
absl::StatusOr<Version> ParseVersion(absl::string_view text);

}  // namespace mailcow

#endif  // COLLECTORS_OS_RELEASE_H_
