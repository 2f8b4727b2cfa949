// Turns a report into metrics: the measurements, their limits, and the verdicts
// on them.

#ifndef EXPORTER_EXPOSITION_H_
#define EXPORTER_EXPOSITION_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "collectors/requirement.h"
#include "exporter/report.h"
#include "exporter/text_format.h"
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

// Renders reports in Prometheus' text format. What follows from findings that
// are the same as in an earlier report is kept. Thread-safe.
class Exposition {
 public:
  // Appends everything that is derived from the report.
  void Append(const Report& report, std::string& out);

 private:
  // What follows from one topic's findings.
  struct Fragment {
    Findings findings;
    std::string families;
    // Samples of the families that all topics share.
    std::string met;
    std::string known;
    std::string remedies;
    SampleText success;
    SampleText duration;
    SampleText age;
    bool is_complete = false;
    Counts counts;
  };
  static Fragment FragmentOf(const Section& section);

  absl::Mutex mutex_;
  std::map<std::string, Fragment> fragments_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_EXPOSITION_H_
