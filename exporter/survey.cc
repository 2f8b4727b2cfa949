#include "exporter/survey.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

Section Ask(const Collector& collector, const Host& host) {
  const auto start = std::chrono::steady_clock::now();
  Collected collected = collector.Collect(host);
  return {
      .topic = std::string(collector.topic()),
      .cadence = collector.cadence(),
      .findings = std::move(collected.findings),
      .duration = absl::FromChrono(std::chrono::steady_clock::now() - start),
      .age = collected.age};
}

// For a topic that has never answered: not even its subjects are known.
Section Unanswered(const Collector& collector) {
  std::vector<Finding> findings;
  for (const Requirement* requirement : collector.requirements()) {
    findings.push_back(
        {requirement,
         {.labels = {}, .value = absl::UnavailableError("not measured yet")}});
  }
  return {.topic = std::string(collector.topic()),
          .cadence = collector.cadence(),
          .findings = std::move(findings),
          .age = absl::InfiniteDuration()};
}

Findings Distrusted(const Findings& findings, int64_t since_seconds,
                    absl::Duration allowance) {
  std::vector<Finding> distrusted(findings.begin(), findings.end());
  for (Finding& finding : distrusted) {
    finding.reading.value = absl::DeadlineExceededError(absl::StrCat(
        "last measured ", since_seconds, " seconds ago, more than ",
        absl::ToInt64Seconds(allowance)));
  }
  return distrusted;
}

}  // namespace

Survey::Survey(const Collectors& collectors, const Host& host, Clock clock)
    : collectors_(collectors), host_(host), clock_(std::move(clock)) {
  absl::MutexLock lock(&mutex_);
  for (const auto& collector : collectors_) {
    if (!collector->cadence().has_value()) continue;
    refreshed_.push_back(
        {.collector = collector.get(), .section = Unanswered(*collector)});
  }
  // Nothing is added from here on: the threads may hold references.
  for (Refreshed& refreshed : refreshed_) {
    first_findings_.emplace_back(refreshed.section.topic,
                                 refreshed.first.get_future());
    threads_.emplace_back([this, &refreshed] { KeepRefreshing(refreshed); });
  }
}

Survey::~Survey() {
  stop_.set_value();
  for (std::thread& thread : threads_) thread.join();
}

void Survey::KeepRefreshing(Refreshed& refreshed) {
  const Collector& collector = *refreshed.collector;
  const std::shared_future<void> stopped = stopped_;
  do {
    // What is found may be as old as the question.
    const auto asked_at = clock_();
    Section section = Ask(collector, host_);
    absl::MutexLock lock(&mutex_);
    refreshed.section = std::move(section);
    refreshed.at = asked_at;
    refreshed.distrusted_seconds = -1;
    if (!std::exchange(refreshed.is_filled, true)) refreshed.first.set_value();
  } while (stopped.wait_for(absl::ToChronoNanoseconds(
               collector.cadence()->every)) != std::future_status::ready);
}

std::vector<std::string> Survey::AwaitFirstFindings(absl::Duration deadline) {
  const auto until =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(deadline);
  std::vector<std::string> missing;
  for (const auto& [topic, findings] : first_findings_) {
    if (findings.wait_until(until) != std::future_status::ready) {
      missing.push_back(topic);
    }
  }
  return missing;
}

Section Survey::TakeRefreshed(const Collector& collector) {
  absl::MutexLock lock(&mutex_);
  for (Refreshed& refreshed : refreshed_) {
    if (refreshed.collector != &collector) continue;
    Section section = refreshed.section;
    if (!refreshed.is_filled) return section;
    // How old a fact was when it was read, who told it has judged already.
    const absl::Duration since = absl::FromChrono(clock_() - refreshed.at);
    section.age += since;
    const absl::Duration allowance = section.cadence->allowance;
    if (since <= allowance) return section;
    const int64_t seconds = absl::ToInt64Seconds(since);
    if (std::exchange(refreshed.distrusted_seconds, seconds) != seconds) {
      refreshed.distrusted = Distrusted(section.findings, seconds, allowance);
    }
    section.findings = refreshed.distrusted;
    return section;
  }
  return Unanswered(collector);
}

Section Survey::TakeNow(const Collector& collector) {
  Section section = Ask(collector, host_);
  absl::MutexLock lock(&mutex_);
  Findings& last = last_[&collector];
  if (last.AreSameAs(section.findings)) return section;
  const bool are_equal =
      std::equal(last.begin(), last.end(), section.findings.begin(),
                 section.findings.end());
  if (are_equal) {
    section.findings = last;
  } else {
    last = section.findings;
  }
  return section;
}

Report Survey::Take(IsAsked is_asked) {
  Report report;
  for (const auto& collector : collectors_) {
    if (!is_asked(collector->topic())) continue;
    report.sections.push_back(collector->cadence().has_value()
                                  ? TakeRefreshed(*collector)
                                  : TakeNow(*collector));
  }
  return report;
}

}  // namespace mailcow
