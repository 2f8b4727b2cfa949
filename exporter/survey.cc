#include "exporter/survey.h"

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
  Section section{.topic = std::string(collector.topic()),
                  .cadence = collector.cadence(),
                  .age = absl::InfiniteDuration()};
  for (const Requirement* requirement : collector.requirements()) {
    section.findings.push_back(
        {requirement,
         {.labels = {}, .value = absl::UnavailableError("not measured yet")}});
  }
  return section;
}

void Distrust(Section& section, absl::Duration since,
              absl::Duration allowance) {
  for (Finding& finding : section.findings) {
    finding.reading.value = absl::DeadlineExceededError(absl::StrCat(
        "last measured ", absl::ToInt64Seconds(since),
        " seconds ago, more than ", absl::ToInt64Seconds(allowance)));
  }
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
  for (const Refreshed& refreshed : refreshed_) {
    if (refreshed.collector != &collector) continue;
    Section section = refreshed.section;
    if (!refreshed.is_filled) return section;
    // How old a fact was when it was read, who told it has judged already.
    const absl::Duration since = absl::FromChrono(clock_() - refreshed.at);
    section.age += since;
    const absl::Duration allowance = section.cadence->allowance;
    if (since > allowance) Distrust(section, since, allowance);
    return section;
  }
  return Unanswered(collector);
}

Report Survey::Take() {
  Report report;
  for (const auto& collector : collectors_) {
    report.sections.push_back(collector->cadence().has_value()
                                  ? TakeRefreshed(*collector)
                                  : Ask(*collector, host_));
  }
  return report;
}

}  // namespace mailcow
