// The topic memory: RAM, swap, and whether there is enough for ClamAV.

#ifndef COLLECTORS_MEMORY_H_
#define COLLECTORS_MEMORY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/collector.h"

namespace mailcow {

// What /proc/meminfo says; each number fails alone.
struct Meminfo {
  absl::StatusOr<double> total_bytes;
  absl::StatusOr<double> available_bytes;
  absl::StatusOr<double> swap_total_bytes;
  absl::StatusOr<double> swap_free_bytes;
};

// DataLoss for a number that is absent or is not in kB.
Meminfo ParseMeminfo(absl::string_view text);

struct MemoryFacts {
  Meminfo meminfo;
  // SKIP_CLAMD of mailcow.conf.
  absl::StatusOr<bool> clamd_skipped;
};

// `mailcow_directory` is where mailcow.conf lies.
std::unique_ptr<Collector> MakeMemoryCollector(std::string mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_MEMORY_H_
