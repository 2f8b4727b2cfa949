// Reads the configuration again while the program serves. What is wrong with it
// is said, and what was in force stays so.

#ifndef EXPORTER_RELOADER_H_
#define EXPORTER_RELOADER_H_

#include <atomic>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "exporter/current_survey.h"
#include "exporter/log.h"
#include "exporter/options.h"
#include "exporter/text_format.h"
#include "exporter/web_guard.h"

namespace mailcow {

// Thread-safe.
class Reloader {
 public:
  // Reads the command line and the files that it names.
  using Parse = std::function<ParsedOptions()>;

  // `options` are those in force. All must outlive this object.
  Reloader(Parse parse, Options options, CurrentSurvey& survey, WebGuard& guard,
           Logger& logger);

  // Each of the two files that is right counts. InvalidArgument: one is wrong.
  // FailedPrecondition: it changes what takes a restart. Unavailable: others
  // wait for a reload that is under way.
  absl::Status Reload();

  // Appends the metrics on reloads, in the text format.
  void Append(std::string& out) const;

 private:
  absl::Status TryReload() ABSL_EXCLUSIVE_LOCKS_REQUIRED(reloading_);

  const Parse parse_;
  CurrentSurvey& survey_;
  WebGuard& guard_;
  Logger& logger_;
  const SampleText successful_;
  const SampleText success_timestamp_;
  std::atomic<int> waiting_ = 0;
  absl::Mutex reloading_;
  Options options_ ABSL_GUARDED_BY(reloading_);
  mutable absl::Mutex mutex_;
  bool was_successful_ ABSL_GUARDED_BY(mutex_) = true;
  absl::Time last_success_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_RELOADER_H_
