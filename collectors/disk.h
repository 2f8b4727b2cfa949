// The topic disk: the filesystem that holds Docker's data root, and others that
// the administrator names.

#ifndef COLLECTORS_DISK_H_
#define COLLECTORS_DISK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/collector.h"

namespace mailcow {

// The "data-root" of Docker's daemon.json, or /var/lib/docker where the file
// does not set it. DataLoss names the line that is no JSON.
absl::StatusOr<std::string> ParseDataRoot(absl::string_view daemon_json);

struct WatchedPath {
  std::string path;
  // The nearest existing parent where `path` itself does not exist yet.
  std::string measured_at;
  absl::StatusOr<Filesystem> filesystem;
};

struct DiskFacts {
  std::vector<WatchedPath> paths;
};

// Watches Docker's data root and `more_paths`. Asking a mount can block, so the
// topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeDiskCollector(
    std::vector<std::string> more_paths);

}  // namespace mailcow

#endif  // COLLECTORS_DISK_H_
