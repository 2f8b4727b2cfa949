// Asks questions that may never be answered, such as statvfs(3) on a mount
// whose server is gone, and waits for each only so long.

#ifndef COLLECTORS_BOUNDED_WAIT_H_
#define COLLECTORS_BOUNDED_WAIT_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "collectors/workers.h"

namespace mailcow {

// Thread-safe. Who asks what is being asked already shares the answer. A
// question that hangs costs one thread once: until it is answered, asking it
// again fails at once.
template <typename Answer>
class BoundedWait {
 public:
  using Question = std::function<absl::StatusOr<Answer>()>;

  explicit BoundedWait(absl::Duration deadline) : deadline_(deadline) {}

  // DeadlineExceeded where `question` does not answer in time. `name` tells
  // one question from another. `question` may outlive this object.
  absl::StatusOr<Answer> Ask(const std::string& name, Question question) {
    return AskAll({{name, std::move(question)}}).front();
  }

  // Asks all at once and waits for them together: one deadline for all.
  std::vector<absl::StatusOr<Answer>> AskAll(
      std::vector<std::pair<std::string, Question>> questions) {
    std::vector<std::shared_ptr<Pending>> begun;
    for (auto& [name, question] : questions) {
      begun.push_back(Begin(name, std::move(question)));
    }
    std::vector<absl::StatusOr<Answer>> answers;
    for (size_t i = 0; i < begun.size(); ++i) {
      answers.push_back(End(questions[i].first, begun[i]));
    }
    return answers;
  }

 private:
  class Pending {
   public:
    explicit Pending(absl::Time deadline) : deadline_(deadline) {}

    absl::Time deadline() const { return deadline_; }
    void Set(absl::StatusOr<Answer> answer) {
      absl::MutexLock lock(&mutex_);
      answer_ = std::move(answer);
    }
    bool Wait() {
      absl::MutexLock lock(&mutex_);
      return mutex_.AwaitWithDeadline(absl::Condition(this, &Pending::IsSet),
                                      deadline_);
    }
    std::optional<absl::StatusOr<Answer>> answer() {
      absl::MutexLock lock(&mutex_);
      return answer_;
    }

   private:
    bool IsSet() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return answer_.has_value();
    }

    const absl::Time deadline_;
    absl::Mutex mutex_;
    std::optional<absl::StatusOr<Answer>> answer_ ABSL_GUARDED_BY(mutex_);
  };

  // Joins the question where it is under way. Null where it is overdue.
  std::shared_ptr<Pending> Begin(const std::string& name, Question question) {
    absl::MutexLock lock(&mutex_);
    std::shared_ptr<Pending>& pending = pending_[name];
    if (pending != nullptr && !pending->answer().has_value()) {
      return absl::Now() < pending->deadline() ? pending : nullptr;
    }
    pending = std::make_shared<Pending>(absl::Now() + deadline_);
    workers_.Run([pending, question = std::move(question)] {
      pending->Set(question());
    });
    return pending;
  }

  absl::StatusOr<Answer> End(const std::string& name,
                             const std::shared_ptr<Pending>& pending) {
    if (pending == nullptr || !pending->Wait()) return TimedOut(name);
    absl::MutexLock lock(&mutex_);
    const auto known = pending_.find(name);
    if (known != pending_.end() && known->second == pending) {
      pending_.erase(known);
    }
    return *pending->answer();
  }

  static absl::Status TimedOut(const std::string& name) {
    return absl::DeadlineExceededError(absl::StrCat(name, " does not answer"));
  }

  const absl::Duration deadline_;
  Workers workers_;
  absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Pending>> pending_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // COLLECTORS_BOUNDED_WAIT_H_
