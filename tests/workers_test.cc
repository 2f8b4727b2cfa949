#include "collectors/workers.h"

#include <set>
#include <thread>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

TEST(Workers, WorkThatHangsHoldsUpNoOther) {
  Workers workers;
  absl::Notification release;
  absl::Notification ended;
  workers.Run([&] {
    release.WaitForNotification();
    ended.Notify();
  });
  absl::Notification other;
  workers.Run([&] { other.Notify(); });
  other.WaitForNotification();
  release.Notify();
  ended.WaitForNotification();
}

TEST(Workers, WorkOfOneAfterAnotherTakesFewThreads) {
  Workers workers;
  absl::Mutex mutex;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 100; ++i) {
    absl::Notification done;
    workers.Run([&] {
      {
        absl::MutexLock lock(&mutex);
        threads.insert(std::this_thread::get_id());
      }
      done.Notify();
    });
    done.WaitForNotification();
  }
  // A thread that has just notified may not be idle yet.
  EXPECT_LT(threads.size(), 50);
}

TEST(Workers, EverythingThatIsBegunIsDone) {
  absl::BlockingCounter remaining(50);
  Workers workers;
  for (int i = 0; i < 50; ++i) {
    workers.Run([&] { remaining.DecrementCount(); });
  }
  remaining.Wait();
}

TEST(Workers, WorkThatHangsMayOutliveThem) {
  const auto release = std::make_shared<absl::Notification>();
  const auto ended = std::make_shared<absl::Notification>();
  {
    Workers workers;
    workers.Run([=] {
      release->WaitForNotification();
      ended->Notify();
    });
  }
  release->Notify();
  ended->WaitForNotification();
}

}  // namespace
}  // namespace mailcow
