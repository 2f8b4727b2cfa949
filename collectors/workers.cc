#include "collectors/workers.h"

#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mailcow {

// What the threads hold: they may outlive the object that made them.
struct Workers::Shared {
  bool HasNews() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return is_closed || !waiting.empty();
  }

  absl::Mutex mutex;
  std::deque<std::function<void()>> waiting ABSL_GUARDED_BY(mutex);
  size_t idle_threads ABSL_GUARDED_BY(mutex) = 0;
  bool is_closed ABSL_GUARDED_BY(mutex) = false;
};

Workers::Workers() : shared_(std::make_shared<Shared>()) {}

Workers::~Workers() {
  absl::MutexLock lock(&shared_->mutex);
  shared_->is_closed = true;
}

void Workers::Run(std::function<void()> work) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->waiting.push_back(std::move(work));
  if (shared_->waiting.size() > shared_->idle_threads) {
    try {
      std::thread([shared = shared_] { Serve(shared); }).detach();
    } catch (...) {
      // There are no more threads to be had: nobody would do it.
      shared_->waiting.pop_back();
      throw;
    }
  }
}

void Workers::Serve(const std::shared_ptr<Shared>& shared) {
  for (;;) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&shared->mutex);
      ++shared->idle_threads;
      shared->mutex.Await(absl::Condition(shared.get(), &Shared::HasNews));
      --shared->idle_threads;
      if (shared->waiting.empty()) return;
      work = std::move(shared->waiting.front());
      shared->waiting.pop_front();
    }
    work();
    work = nullptr;
    absl::MutexLock lock(&shared->mutex);
    // A thread that was begun because this one was busy makes it one too many.
    if (shared->waiting.empty() && shared->idle_threads > 0) return;
  }
}

}  // namespace mailcow
