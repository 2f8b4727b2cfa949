// Runs the collectors and owns freshness: a topic that can block is refreshed
// on a thread of its own, so that a scrape never waits for it.

#ifndef EXPORTER_SURVEY_H_
#define EXPORTER_SURVEY_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collectors/all.h"
#include "collectors/collector.h"
#include "exporter/report.h"

namespace mailcow {

class Survey {
 public:
  // Not the time of day, which may be stepped.
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // Begins to refresh the topics that have a cadence. `collectors` and what
  // `host` refers to must outlive the survey.
  Survey(const Collectors& collectors, const Host& host,
         Clock clock = &std::chrono::steady_clock::now);

  // Waits for a refresh that is under way.
  ~Survey();

  // Waits until every topic was refreshed once, but no longer than `deadline`.
  // Returns the topics that were not.
  std::vector<std::string> AwaitFirstFindings(absl::Duration deadline);

  // What is known now of the topics that `is_asked` names. Findings that were
  // refreshed too long ago are unknown. Thread-safe.
  using IsAsked = absl::FunctionRef<bool(absl::string_view topic)>;
  Report Take(IsAsked is_asked = [](absl::string_view) { return true; });

 private:
  struct Refreshed {
    const Collector* collector;
    Section section;
    std::chrono::steady_clock::time_point at = {};
    bool is_filled = false;
    std::promise<void> first = {};
    // What stands for the findings once they are too old.
    int64_t distrusted_seconds = -1;
    Findings distrusted = {};
  };

  void KeepRefreshing(Refreshed& refreshed);
  Section TakeRefreshed(const Collector& collector);
  Section TakeNow(const Collector& collector);

  const Collectors& collectors_;
  const Host host_;
  const Clock clock_;
  // Futures wait by the steady clock: a step of the time of day, which NTP may
  // make, must not hold up a refresh.
  std::promise<void> stop_;
  const std::shared_future<void> stopped_ = stop_.get_future().share();
  // By topic.
  std::vector<std::pair<std::string, std::future<void>>> first_findings_;
  absl::Mutex mutex_;
  std::vector<Refreshed> refreshed_ ABSL_GUARDED_BY(mutex_);
  // Of the topics that are read at the scrape, what they last found.
  std::map<const Collector*, Findings> last_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace mailcow

#endif  // EXPORTER_SURVEY_H_
