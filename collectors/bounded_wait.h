// Asks questions that may never be answered, such as statvfs(3) on a mount
// whose server is gone, and waits for each only so long.

#ifndef COLLECTORS_BOUNDED_WAIT_H_
#define COLLECTORS_BOUNDED_WAIT_H_

#include <chrono>
#include <functional>
#include <future>
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
#include "absl/time/time.h"
#include "collectors/workers.h"

namespace mailcow {

// What a local disk answers in by far; well below the second in which the
// program must be able to end.
inline constexpr absl::Duration kDiskDeadline = absl::Milliseconds(400);

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
    std::vector<std::optional<Pending>> begun;
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
  // Waits follow the steady clock: a step of the time of day must not prolong
  // them.
  using Clock = std::chrono::steady_clock;

  struct Pending {
    std::shared_future<absl::StatusOr<Answer>> answer;
    Clock::time_point deadline;

    bool IsAnsweredBy(Clock::time_point time) const {
      return answer.wait_until(time) == std::future_status::ready;
    }
  };

  // Joins the question where it is under way. Nothing where it is overdue.
  std::optional<Pending> Begin(const std::string& name, Question question) {
    absl::MutexLock lock(&mutex_);
    const Clock::time_point now = Clock::now();
    const auto known = pending_.find(name);
    if (known != pending_.end() && !known->second.IsAnsweredBy(now)) {
      if (now >= known->second.deadline) return std::nullopt;
      return known->second;
    }
    const auto promise =
        std::make_shared<std::promise<absl::StatusOr<Answer>>>();
    const Pending pending = {promise->get_future().share(),
                             now + absl::ToChronoNanoseconds(deadline_)};
    pending_.insert_or_assign(name, pending);
    workers_.Run([promise, question = std::move(question)] {
      promise->set_value(question());
    });
    return pending;
  }

  absl::StatusOr<Answer> End(const std::string& name,
                             const std::optional<Pending>& pending) {
    if (!pending.has_value() || !pending->IsAnsweredBy(pending->deadline)) {
      return TimedOut(name);
    }
    absl::MutexLock lock(&mutex_);
    const auto known = pending_.find(name);
    if (known != pending_.end() && known->second.IsAnsweredBy(Clock::now())) {
      pending_.erase(known);
    }
    return pending->answer.get();
  }

  static absl::Status TimedOut(const std::string& name) {
    return absl::DeadlineExceededError(absl::StrCat(name, " does not answer"));
  }

  const absl::Duration deadline_;
  Workers workers_;
  absl::Mutex mutex_;
  std::map<std::string, Pending> pending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // COLLECTORS_BOUNDED_WAIT_H_
