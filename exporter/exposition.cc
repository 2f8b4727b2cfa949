#include "exporter/exposition.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/text_format.h"

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

// A family without a sample says nothing.
std::vector<MetricFamily> WithSamples(std::vector<MetricFamily> families) {
  families.erase(std::remove_if(families.begin(), families.end(),
                                [](const MetricFamily& family) {
                                  return family.metric.empty();
                                }),
                 families.end());
  return families;
}

// A family of which the samples are text already.
void AppendShared(const MetricFamily& family, absl::string_view samples,
                  std::string& out) {
  if (samples.empty()) return;
  AppendHead(family, out);
  absl::StrAppend(&out, samples);
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

std::string FamiliesText(const Section& section) {
  std::vector<MetricFamily> families;
  const Requirement* last = nullptr;
  for (const Finding& finding : section.findings) {
    if (finding.requirement == last) continue;
    last = finding.requirement;
    families.push_back(Measurements(section, *last));
    if (last->unit != Unit::kBool) families.push_back(Limits(*last));
  }
  return TextFormat().Serialize(WithSamples(std::move(families)));
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

std::vector<std::pair<Labels, Verdict>> VerdictsOf(
    const std::vector<Row>& rows) {
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
  return verdicts;
}

// What to do about each subject that is unmet, in one sample: both levels have
// one remedy, and readings that share a subject may have several.
std::vector<Sample> RemediesOf(const std::vector<Row>& rows) {
  std::vector<Sample> samples;
  std::map<Labels, std::set<std::string>> remedies;
  for (const Row& row : rows) {
    if (row.verdict != Verdict::kUnmet) continue;
    Labels labels = {{"requirement", std::string(row.requirement().id)},
                     {"subject", row.subject()}};
    const bool is_new = !remedies.contains(labels);
    remedies[labels].insert(row.remedy());
    if (is_new) samples.push_back({std::move(labels), 1});
  }
  for (Sample& sample : samples) {
    std::string text = absl::StrJoin(remedies.at(sample.labels), "; ");
    sample.labels.emplace_back("remedy", std::move(text));
  }
  return samples;
}

// The families that all topics share, each with the samples that are given.
MetricFamily Met(const std::vector<Sample>& samples) {
  return Gauge(
      absl::StrCat(kPrefix, "requirement_met"),
      "Whether the requirement is met; no sample while that is not known",
      samples);
}
MetricFamily Known(const std::vector<Sample>& samples) {
  return Gauge(absl::StrCat(kPrefix, "requirement_known"),
               "Whether the requirement could be judged", samples);
}

MetricFamily Remedies(const std::vector<Sample>& samples) {
  return Gauge(absl::StrCat(kPrefix, "requirement_remedy_info"),
               "What to do about a requirement that is unmet, in its label; no "
               "sample for one that is met or not known",
               samples);
}

MetricFamily Ready(const Counts& counts) {
  return Gauge(
      absl::StrCat(kPrefix, "ready"),
      "Whether every required requirement of the topics that are asked "
      "is met; one that is not known is not met",
      {{{}, IsReady(counts) ? 1.0 : 0.0}});
}

bool IsComplete(const Section& section) {
  return std::all_of(
      section.findings.begin(), section.findings.end(),
      [](const Finding& finding) { return finding.reading.value.ok(); });
}

// The families that tell of the collectors, each with one sample at most.
MetricFamily Success(const std::vector<Sample>& samples) {
  return Gauge(absl::StrCat(kPrefix, "scrape_collector_success"),
               "Whether the collector could read all that it asked for",
               samples);
}
MetricFamily Duration(const std::vector<Sample>& samples) {
  return Gauge(absl::StrCat(kPrefix, "scrape_collector_duration_seconds"),
               "Time the collector took", samples);
}
MetricFamily Age(const std::vector<Sample>& samples) {
  return Gauge(absl::StrCat(kPrefix, "scrape_collector_age_seconds"),
               "Age of the collector's findings; 0 for those that are read at "
               "the scrape",
               samples);
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

Exposition::Fragment Exposition::FragmentOf(const Section& section) {
  const std::vector<Row> rows = RowsOf(section);
  std::vector<Sample> met;
  std::vector<Sample> known;
  for (const auto& [labels, verdict] : VerdictsOf(rows)) {
    const bool is_known = verdict != Verdict::kUnknown;
    known.push_back({labels, is_known ? 1.0 : 0.0});
    if (is_known) {
      met.push_back({labels, verdict == Verdict::kMet ? 1.0 : 0.0});
    }
  }
  const Sample collector{{{"collector", section.topic}}, 0};
  Fragment fragment{.findings = section.findings,
                    .families = FamiliesText(section),
                    .met = "",
                    .known = "",
                    .remedies = "",
                    .success = SampleText(Success({collector})),
                    .duration = SampleText(Duration({collector})),
                    .age = SampleText(Age({collector})),
                    .is_complete = IsComplete(section),
                    .counts = Count(rows)};
  AppendSamples(Met(met), fragment.met);
  AppendSamples(Known(known), fragment.known);
  AppendSamples(Remedies(RemediesOf(rows)), fragment.remedies);
  return fragment;
}

void Exposition::Append(const Report& report, std::string& out) {
  absl::MutexLock lock(&mutex_);
  std::string met;
  std::string known;
  std::string remedies;
  std::string success;
  std::string duration;
  std::string age;
  Counts counts;
  for (const Section& section : report.sections) {
    Fragment& fragment = fragments_[section.topic];
    if (!fragment.findings.AreSameAs(section.findings)) {
      fragment = FragmentOf(section);
    }
    out += fragment.families;
    met += fragment.met;
    known += fragment.known;
    remedies += fragment.remedies;
    counts += fragment.counts;
    fragment.success.Append(fragment.is_complete ? 1 : 0, success);
    fragment.duration.Append(absl::ToDoubleSeconds(section.duration), duration);
    fragment.age.Append(absl::ToDoubleSeconds(section.age), age);
  }
  AppendShared(Met({}), met, out);
  AppendShared(Known({}), known, out);
  AppendShared(Remedies({}), remedies, out);
  out += TextFormat().Serialize({Ready(counts)});
  AppendShared(Success({}), success, out);
  AppendShared(Duration({}), duration, out);
  AppendShared(Age({}), age, out);
}

}  // namespace mailcow
