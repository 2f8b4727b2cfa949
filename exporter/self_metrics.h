// What the exporter says of itself: its build, and the process_* metrics that
// every Prometheus client library gives.

#ifndef EXPORTER_SELF_METRICS_H_
#define EXPORTER_SELF_METRICS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "prometheus/metric_family.h"

namespace mailcow {

// Families whose source cannot be read are left out.
std::vector<prometheus::MetricFamily> SelfFamilies();

// The fields of /proc/PID/stat that are served; DataLoss.
struct ProcessStat {
  double cpu_ticks = 0;    // in user and kernel mode together
  double start_ticks = 0;  // since boot
  double virtual_bytes = 0;
  double resident_pages = 0;
};
absl::StatusOr<ProcessStat> ParseProcessStat(absl::string_view text);

// The time of boot in /proc/stat, in seconds since the epoch; DataLoss.
absl::StatusOr<double> ParseBootTime(absl::string_view proc_stat);

}  // namespace mailcow

#endif  // EXPORTER_SELF_METRICS_H_
