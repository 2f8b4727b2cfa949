// The survey in force, which a reload replaces while scrapes go on.

#ifndef EXPORTER_CURRENT_SURVEY_H_
#define EXPORTER_CURRENT_SURVEY_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collectors/all.h"
#include "collectors/host.h"
#include "exporter/report.h"
#include "exporter/scraper.h"

namespace mailcow {

// Thread-safe.
class CurrentSurvey {
 public:
  // There is none until the first Begin(). What `host` refers to must outlive
  // the process's threads.
  explicit CurrentSurvey(const Host& host) : host_(host) {}

  // Begins to survey these topics with these settings, waits for first findings
  // but no longer than `patience`, and puts the survey in force.
  void Begin(const Settings& settings, const Topics& topics,
             absl::Duration patience);

  Topics topics() const;

  // What is known now of those of the topics that are in force.
  Report Take(const Topics& topics) const;
  Report Take() const { return Take(topics()); }

 private:
  struct Running;

  std::shared_ptr<Running> current() const;

  const Host host_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<Running> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_CURRENT_SURVEY_H_
