// What one survey of a host found. Everything that a person or Prometheus sees
// is a rendering of a Report.

#ifndef EXPORTER_REPORT_H_
#define EXPORTER_REPORT_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "collectors/collector.h"

namespace mailcow {

// The findings of one topic.
struct Section {
  std::string topic;
  // Set where the findings are refreshed off the scrape path.
  std::optional<Cadence> cadence;
  Findings findings = {};
  // How long it took to find them, and how long ago that was.
  absl::Duration duration = absl::ZeroDuration();
  absl::Duration age = absl::ZeroDuration();
};

struct Report {
  std::vector<Section> sections;
  // Holds what the findings refer to, where that may end before the report
  // does.
  std::shared_ptr<const void> held = nullptr;
};

// One verdict: a finding held against one level's bound, or a plain fact, which
// has no level. Points into the report.
struct Row {
  const Section* section;
  const Finding* finding;
  std::optional<Level> level;
  Verdict verdict;

  const Requirement& requirement() const { return *finding->requirement; }
  const Reading& reading() const { return finding->reading; }
  // The first label's value; empty where there is only one reading.
  std::string subject() const;
  // The bound it was held against; empty for a fact.
  std::optional<Bound> bound() const;
  // What to do about it; empty unless unmet.
  std::string remedy() const;
  // Why it is not known; empty unless it could not be read.
  std::string reason() const;
};

// Every verdict, in report order.
std::vector<Row> RowsOf(const Report& report);
std::vector<Row> RowsOf(const Section& section);

struct Counts {
  int met = 0;
  int unmet_required = 0;
  int unmet_recommended = 0;
  int unknown_required = 0;
  int unknown_recommended = 0;

  Counts& operator+=(const Counts& other);
};
Counts Count(const std::vector<Row>& rows);

// Whether every required verdict is met; unknown is not.
bool IsReady(const Counts& counts);

}  // namespace mailcow

#endif  // EXPORTER_REPORT_H_
