#include "collectors/watched_file.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "collectors/bounded_wait.h"
#include "collectors/files.h"

namespace mailcow {
namespace {

using Clock = std::chrono::steady_clock;

// Not every filesystem tells of changes, nor of those behind a link.
constexpr std::chrono::seconds kEvery{10};

// A directory in which something changes all the time costs no more than this.
constexpr std::chrono::milliseconds kPause{20};

// What was read longer ago is no longer believed.
constexpr std::chrono::seconds kAllowance{20};

constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                              IN_CREATE | IN_DELETE | IN_ATTRIB |
                              IN_DELETE_SELF | IN_MOVE_SELF;

// Returns once one of the two is readable, or after `timeout`; whether the
// other one is.
bool Poll(const FileDescriptor& one, const FileDescriptor* other,
          std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> waited = {
      pollfd{.fd = one.get(), .events = POLLIN, .revents = 0},
      pollfd{.fd = other == nullptr ? -1 : other->get(),
             .events = POLLIN,
             .revents = 0}};
  poll(waited.data(), waited.size(), static_cast<int>(timeout.count()));
  return waited[1].revents != 0;
}

}  // namespace

// What the thread holds: it may outlive the object that began it.
struct WatchedFile::Shared {
  std::string name;
  Access access;
  // Readable once the object is gone.
  FileDescriptor closed{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Clock::time_point begun_at = Clock::now();
  std::promise<void> first;
  std::shared_future<void> is_read = first.get_future().share();
  absl::Mutex mutex;
  bool is_closed ABSL_GUARDED_BY(mutex) = false;
  absl::StatusOr<std::string> content ABSL_GUARDED_BY(mutex) = "";
  Clock::time_point read_at ABSL_GUARDED_BY(mutex) = {};
};

WatchedFile::WatchedFile(std::string name, Access access)
    : shared_(std::make_shared<Shared>()) {
  shared_->name = std::move(name);
  shared_->access = std::move(access);
  std::thread([shared = shared_] { Watch(shared); }).detach();
}

WatchedFile::~WatchedFile() {
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->is_closed = true;
  }
  eventfd_write(shared_->closed.get(), 1);
}

absl::StatusOr<std::string> WatchedFile::Latest() const {
  const absl::Status silent = absl::DeadlineExceededError(
      absl::StrCat(shared_->name, " does not answer"));
  if (shared_->is_read.wait_until(shared_->begun_at +
                                  absl::ToChronoNanoseconds(kDiskDeadline)) !=
      std::future_status::ready) {
    return silent;
  }
  absl::MutexLock lock(&shared_->mutex);
  if (Clock::now() - shared_->read_at > kAllowance) return silent;
  return shared_->content;
}

void WatchedFile::Watch(const std::shared_ptr<Shared>& shared) {
  for (bool is_first = true;; is_first = false) {
    const auto asked_at = Clock::now();
    // Changes are told from before the reading on, so that none is missed.
    const FileDescriptor changes(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (const auto directory = shared->access.open_directory();
        directory.ok()) {
      inotify_add_watch(
          changes.get(),
          absl::StrCat("/proc/self/fd/", directory->get()).c_str(), kChanges);
    }
    absl::StatusOr<std::string> content = shared->access.read();
    {
      absl::MutexLock lock(&shared->mutex);
      if (shared->is_closed) return;
      shared->content = std::move(content);
      shared->read_at = asked_at;
    }
    if (is_first) shared->first.set_value();
    if (Poll(shared->closed, &changes, kEvery)) {
      Poll(shared->closed, nullptr, kPause);
    }
    absl::MutexLock lock(&shared->mutex);
    if (shared->is_closed) return;
  }
}

}  // namespace mailcow
