// What the exporter says of itself: its build, and the process_* metrics that
// every Prometheus client library gives.

#ifndef EXPORTER_SELF_METRICS_H_
#define EXPORTER_SELF_METRICS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"
#include "exporter/text_format.h"

namespace mailcow {

class SelfMetrics {
 public:
  SelfMetrics();

  // Appends them in the text format; families whose source cannot be read are
  // left out. Thread-safe.
  void Append(std::string& out) const;

 private:
  // What stays the same from one scrape to the next.
  const std::string constant_;
  const SampleText cpu_seconds_;
  const SampleText virtual_bytes_;
  const SampleText resident_bytes_;
  const SampleText open_fds_;
  const Files own_{Files::Roots{}};
};

// Ticks since boot at which the process of that /proc/PID/stat began; DataLoss.
absl::StatusOr<double> ParseStartTicks(absl::string_view stat);

// /proc/PID/statm, in pages; DataLoss.
struct MemoryPages {
  double virtual_pages = 0;
  double resident_pages = 0;
};
absl::StatusOr<MemoryPages> ParseStatm(absl::string_view text);

// The time of boot in /proc/stat, in seconds since the epoch; DataLoss.
absl::StatusOr<double> ParseBootTime(absl::string_view proc_stat);

}  // namespace mailcow

#endif  // EXPORTER_SELF_METRICS_H_
