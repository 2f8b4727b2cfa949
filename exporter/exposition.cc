#include "exporter/exposition.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

using prometheus::MetricFamily;

constexpr absl::string_view kPrefix = "mailcow_host_";

// Information is named by what it is: the id of a requirement ends in _info.
std::string UnitSuffix(Unit unit) {
  const bool has_suffix =
      unit != Unit::kBool && unit != Unit::kCount && unit != Unit::kInfo;
  return has_suffix ? absl::StrCat("_", Name(unit)) : "";
}

MetricFamily AsCounter(MetricFamily family) {
  family.type = prometheus::MetricType::Counter;
  for (prometheus::ClientMetric& metric : family.metric) {
    metric.counter.value = metric.gauge.value;
  }
  return family;
}

std::string HelpOf(const Requirement& requirement, const Section& section) {
  if (!section.cadence.has_value()) return std::string(requirement.what);
  return absl::StrCat(requirement.what, " (refreshed every ",
                      absl::ToInt64Seconds(section.cadence->every),
                      " seconds)");
}

MetricFamily Measurements(const Section& section,
                          const Requirement& requirement) {
  std::vector<Sample> samples;
  for (const Finding& finding : section.findings) {
    if (finding.requirement == &requirement && finding.reading.value.ok()) {
      samples.push_back({finding.reading.labels, *finding.reading.value});
    }
  }
  MetricFamily family =
      Gauge(MetricName(requirement), HelpOf(requirement, section), samples);
  return requirement.unit == Unit::kTotal ? AsCounter(std::move(family))
                                          : family;
}

MetricFamily Limits(const Requirement& requirement) {
  std::vector<Sample> samples;
  for (const Level level : {Level::kRequired, Level::kRecommended}) {
    const std::optional<Bound>& bound = BoundOf(requirement, level);
    if (!bound.has_value()) continue;
    samples.push_back({{{"level", std::string(Name(level))}}, bound->limit()});
  }
  return Gauge(LimitMetricName(requirement),
               absl::StrCat("Limit in force for ", MetricName(requirement)),
               samples);
}

void AppendSection(const Section& section,
                   std::vector<MetricFamily>& families) {
  const Requirement* last = nullptr;
  for (const Finding& finding : section.findings) {
    if (finding.requirement == last) continue;
    last = finding.requirement;
    families.push_back(Measurements(section, *last));
    if (last->unit != Unit::kBool) families.push_back(Limits(*last));
  }
}

// The labels of a verdict. Two readings can share a subject, as two services
// do that bind one port on two addresses; the worse verdict stands for both.
Labels VerdictLabels(const Row& row) {
  return {{"requirement", std::string(row.requirement().id)},
          {"subject", row.subject()},
          {"level", std::string(Name(*row.level))}};
}

int Badness(Verdict verdict) {
  return verdict == Verdict::kUnmet ? 2 : verdict == Verdict::kUnknown ? 1 : 0;
}

void AppendVerdicts(const std::vector<Row>& rows,
                    std::vector<MetricFamily>& families) {
  std::vector<std::pair<Labels, Verdict>> verdicts;
  for (const Row& row : rows) {
    if (!row.level.has_value()) continue;
    const Labels labels = VerdictLabels(row);
    const auto same =
        std::find_if(verdicts.begin(), verdicts.end(),
                     [&](const auto& seen) { return seen.first == labels; });
    if (same == verdicts.end()) {
      verdicts.emplace_back(labels, row.verdict);
    } else if (Badness(row.verdict) > Badness(same->second)) {
      same->second = row.verdict;
    }
  }
  std::vector<Sample> met;
  std::vector<Sample> known;
  for (const auto& [labels, verdict] : verdicts) {
    const bool is_known = verdict != Verdict::kUnknown;
    known.push_back({labels, is_known ? 1.0 : 0.0});
    if (is_known) {
      met.push_back({labels, verdict == Verdict::kMet ? 1.0 : 0.0});
    }
  }
  families.push_back(
      Gauge(absl::StrCat(kPrefix, "requirement_met"),
            "Whether the requirement is met; no sample while that is not known",
            met));
  families.push_back(Gauge(absl::StrCat(kPrefix, "requirement_known"),
                           "Whether the requirement could be judged", known));
  families.push_back(
      Gauge(absl::StrCat(kPrefix, "ready"),
            "Whether every required requirement of the topics that are asked "
            "is met; one that is not known is not met",
            {{{}, IsReady(Count(rows)) ? 1.0 : 0.0}}));
}

bool IsComplete(const Section& section) {
  return std::all_of(
      section.findings.begin(), section.findings.end(),
      [](const Finding& finding) { return finding.reading.value.ok(); });
}

void AppendCollectors(const Report& report,
                      std::vector<MetricFamily>& families) {
  std::vector<Sample> success;
  std::vector<Sample> duration;
  std::vector<Sample> age;
  for (const Section& section : report.sections) {
    const Labels labels = {{"collector", section.topic}};
    success.push_back({labels, IsComplete(section) ? 1.0 : 0.0});
    duration.push_back({labels, absl::ToDoubleSeconds(section.duration)});
    age.push_back({labels, absl::ToDoubleSeconds(section.age)});
  }
  const std::string prefix = absl::StrCat(kPrefix, "scrape_collector_");
  families.push_back(
      Gauge(absl::StrCat(prefix, "success"),
            "Whether the collector could read all that it asked for", success));
  families.push_back(Gauge(absl::StrCat(prefix, "duration_seconds"),
                           "Time the collector took", duration));
  families.push_back(Gauge(absl::StrCat(prefix, "age_seconds"),
                           "Age of the collector's findings; 0 for those that "
                           "are read at the scrape",
                           age));
}

}  // namespace

std::string MetricName(const Requirement& requirement) {
  return absl::StrCat(kPrefix, requirement.id, UnitSuffix(requirement.unit));
}

std::string LimitMetricName(const Requirement& requirement) {
  return absl::StrCat(kPrefix, requirement.id, "_limit",
                      UnitSuffix(requirement.unit));
}

MetricFamily Gauge(std::string name, std::string help,
                   const std::vector<Sample>& samples) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = prometheus::MetricType::Gauge;
  for (const Sample& sample : samples) {
    prometheus::ClientMetric metric;
    for (const auto& [label, value] : sample.labels) {
      metric.label.push_back({label, value});
    }
    metric.gauge.value = sample.value;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

std::vector<MetricFamily> FamiliesOf(const Report& report) {
  std::vector<MetricFamily> families;
  for (const Section& section : report.sections) {
    AppendSection(section, families);
  }
  AppendVerdicts(RowsOf(report), families);
  AppendCollectors(report, families);
  // A family without a sample says nothing.
  families.erase(std::remove_if(families.begin(), families.end(),
                                [](const MetricFamily& family) {
                                  return family.metric.empty();
                                }),
                 families.end());
  return families;
}

}  // namespace mailcow
