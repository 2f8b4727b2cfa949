// Asks questions that may never be answered, such as statvfs(3) on a mount
// whose server is gone, and waits for each only so long.

#ifndef EXPORTER_BOUNDED_WAIT_H_
#define EXPORTER_BOUNDED_WAIT_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mailcow {

// Thread-safe. A question that hangs costs one thread once: until it is
// answered, asking it again fails at once.
template <typename Answer>
class BoundedWait {
 public:
  using Question = std::function<absl::StatusOr<Answer>()>;

  explicit BoundedWait(absl::Duration deadline) : deadline_(deadline) {}

  // DeadlineExceeded where `question` does not answer in time. `name` tells
  // one question from another. `question` may outlive this object.
  absl::StatusOr<Answer> Ask(const std::string& name, Question question) {
    std::shared_ptr<Pending> pending = Begin(name, std::move(question));
    if (pending == nullptr) return TimedOut(name);
    if (!pending->Wait(deadline_)) return TimedOut(name);
    absl::MutexLock lock(&mutex_);
    pending_.erase(name);
    return *pending->answer();
  }

 private:
  class Pending {
   public:
    void Set(absl::StatusOr<Answer> answer) {
      absl::MutexLock lock(&mutex_);
      answer_ = std::move(answer);
    }
    bool Wait(absl::Duration deadline) {
      absl::MutexLock lock(&mutex_);
      return mutex_.AwaitWithTimeout(absl::Condition(this, &Pending::IsSet),
                                     deadline);
    }
    std::optional<absl::StatusOr<Answer>> answer() {
      absl::MutexLock lock(&mutex_);
      return answer_;
    }

   private:
    bool IsSet() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return answer_.has_value();
    }

    absl::Mutex mutex_;
    std::optional<absl::StatusOr<Answer>> answer_ ABSL_GUARDED_BY(mutex_);
  };

  // Null where the question still hangs from an earlier time.
  std::shared_ptr<Pending> Begin(const std::string& name, Question question) {
    absl::MutexLock lock(&mutex_);
    std::shared_ptr<Pending>& pending = pending_[name];
    if (pending != nullptr && !pending->answer().has_value()) return nullptr;
    pending = std::make_shared<Pending>();
    std::thread([pending, question = std::move(question)] {
      pending->Set(question());
    }).detach();
    return pending;
  }

  static absl::Status TimedOut(const std::string& name) {
    return absl::DeadlineExceededError(absl::StrCat(name, " does not answer"));
  }

  const absl::Duration deadline_;
  absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Pending>> pending_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_BOUNDED_WAIT_H_
