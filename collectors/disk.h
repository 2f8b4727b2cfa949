// The topic disk: the filesystems that hold Docker's data root and mailcow's
// mail, and others that the administrator names.

#ifndef COLLECTORS_DISK_H_
#define COLLECTORS_DISK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/collector.h"

namespace mailcow {

struct WatchedPath {
  std::string path;
  // The nearest existing parent where `path` itself does not exist yet.
  std::string measured_at;
  absl::StatusOr<Filesystem> filesystem;
};

struct DiskFacts {
  std::vector<WatchedPath> paths;
};

// Watches Docker's data root, mailcow's mail volume once it exists, and
// `more_paths`. `mailcow_directory` is where mailcow.conf lies. Asking a mount
// can block, so the topic is refreshed off the scrape path.
std::unique_ptr<Collector> MakeDiskCollector(
    std::string mailcow_directory, std::vector<std::string> more_paths);

}  // namespace mailcow

#endif  // COLLECTORS_DISK_H_
