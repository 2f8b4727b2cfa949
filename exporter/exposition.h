// Turns a report into metric families: the measurements, their limits, and the
// verdicts on them.

#ifndef EXPORTER_EXPOSITION_H_
#define EXPORTER_EXPOSITION_H_

#include <string>
#include <vector>

#include "collectors/requirement.h"
#include "exporter/report.h"
#include "prometheus/metric_family.h"

namespace mailcow {

// "mailcow_host_memory_bytes"
std::string MetricName(const Requirement& requirement);

// "mailcow_host_memory_limit_bytes"
std::string LimitMetricName(const Requirement& requirement);

// A gauge with one sample for each of `samples`.
struct Sample {
  Labels labels;
  double value;
};
prometheus::MetricFamily Gauge(std::string name, std::string help,
                               const std::vector<Sample>& samples);

// Everything that is derived from the report.
std::vector<prometheus::MetricFamily> FamiliesOf(const Report& report);

}  // namespace mailcow

#endif  // EXPORTER_EXPOSITION_H_
