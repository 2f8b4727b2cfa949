#include "exporter/report.h"

namespace mailcow {

std::string Row::subject() const {
  const Labels& labels = reading().labels;
  if (labels.empty() || requirement().unit == Unit::kInfo) return "";
  return labels.front().second;
}

std::optional<Bound> Row::bound() const {
  return level.has_value() ? BoundOf(requirement(), *level) : std::nullopt;
}

std::string Row::remedy() const {
  if (verdict != Verdict::kUnmet) return "";
  return reading().remedy.empty() ? std::string(requirement().remedy)
                                  : reading().remedy;
}

std::string Row::reason() const {
  return std::string(reading().value.status().message());
}

std::vector<Row> RowsOf(const Report& report) {
  std::vector<Row> rows;
  for (const Section& section : report.sections) {
    const std::vector<Row> more = RowsOf(section);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

std::vector<Row> RowsOf(const Section& section) {
  std::vector<Row> rows;
  for (const Finding& finding : section.findings) {
    bool is_judged = false;
    for (const Level level : {Level::kRequired, Level::kRecommended}) {
      const std::optional<Bound>& bound = BoundOf(*finding.requirement, level);
      if (!bound.has_value()) continue;
      is_judged = true;
      rows.push_back(
          {&section, &finding, level, Judge(*bound, finding.reading.value)});
    }
    if (!is_judged) {
      rows.push_back(
          {&section, &finding, std::nullopt,
           finding.reading.value.ok() ? Verdict::kFact : Verdict::kUnknown});
    }
  }
  return rows;
}

Counts& Counts::operator+=(const Counts& other) {
  met += other.met;
  unmet_required += other.unmet_required;
  unmet_recommended += other.unmet_recommended;
  unknown_required += other.unknown_required;
  unknown_recommended += other.unknown_recommended;
  return *this;
}

Counts Count(const std::vector<Row>& rows) {
  Counts counts;
  for (const Row& row : rows) {
    if (!row.level.has_value()) continue;
    const bool is_required = row.level == Level::kRequired;
    switch (row.verdict) {
      case Verdict::kMet:
        ++counts.met;
        break;
      case Verdict::kUnmet:
        ++(is_required ? counts.unmet_required : counts.unmet_recommended);
        break;
      case Verdict::kUnknown:
        ++(is_required ? counts.unknown_required : counts.unknown_recommended);
        break;
      case Verdict::kFact:
        break;
    }
  }
  return counts;
}

bool IsReady(const Counts& counts) {
  return counts.unmet_required == 0 && counts.unknown_required == 0;
}

}  // namespace mailcow
