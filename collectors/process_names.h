// The names of all processes. To read them takes milliseconds where there are
// thousands, so it is done only when processes were begun since, and only of
// those that are new.

#ifndef COLLECTORS_PROCESS_NAMES_H_
#define COLLECTORS_PROCESS_NAMES_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "collectors/files.h"

namespace mailcow {

// Thread-safe.
class ProcessNames {
 public:
  // Not the time of day, which may be stepped.
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  explicit ProcessNames(Files files,
                        Clock clock = &std::chrono::steady_clock::now)
      : files_(std::move(files)), clock_(std::move(clock)) {}

  // Numbers and names (/proc/PID/comm). Some may have ended meanwhile; those
  // that were begun within the last seconds may be missing. PermissionDenied
  // where the processes of other users are hidden from us.
  using Names = std::vector<std::pair<std::string, std::string>>;
  absl::StatusOr<std::shared_ptr<const Names>> Latest() const;

 private:
  absl::StatusOr<std::shared_ptr<const Names>> Read() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Files files_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  mutable std::shared_ptr<const Names> names_ ABSL_GUARDED_BY(mutex_);
  // The names of those that were read twice, and so are not read again.
  mutable std::map<std::string, std::string> settled_ ABSL_GUARDED_BY(mutex_);
  mutable std::chrono::steady_clock::time_point all_read_at_
      ABSL_GUARDED_BY(mutex_);
  mutable std::chrono::steady_clock::time_point read_at_
      ABSL_GUARDED_BY(mutex_);
  // How many processes were ever begun when the names were read.
  mutable std::optional<std::string> forks_ ABSL_GUARDED_BY(mutex_);
  mutable bool was_read_twice_ ABSL_GUARDED_BY(mutex_) = false;
};

// The number of processes ever begun, in /proc/stat; nothing where it lacks
// that.
std::optional<std::string> ParseForks(absl::string_view proc_stat);

}  // namespace mailcow

#endif  // COLLECTORS_PROCESS_NAMES_H_
