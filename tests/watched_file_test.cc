#include "collectors/watched_file.h"

#include <fcntl.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "collectors/files.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

constexpr char kPath[] = "/etc/mailcow.conf";

// As long as a slow machine may take, but less than until the file is read
// although nobody told of a change.
bool Await(const std::function<bool()>& is_true) {
  const auto deadline = absl::Now() + absl::Seconds(8);
  while (!is_true() && absl::Now() < deadline) std::this_thread::yield();
  return is_true();
}

// What it holds once that is `content`.
bool AwaitContent(const WatchedFile& file, const std::string& content) {
  return Await([&] { return file.Latest().value_or("") == content; });
}

// Of this process.
std::set<std::string> Threads() {
  std::set<std::string> ids;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    ids.insert(task.path());
  }
  return ids;
}

// Those that have begun since there were these. Others may end meanwhile.
size_t NewThreads(const std::set<std::string>& before) {
  size_t count = 0;
  for (const std::string& id : Threads()) count += 1 - before.count(id);
  return count;
}

// A directory whose changes nobody tells of.
absl::StatusOr<FileDescriptor> NoDirectory() {
  return absl::NotFoundError("no directory");
}

// A reader that hangs at one of its questions. It may outlive the test.
class HangingReader {
 public:
  WatchedFile::Access access() const {
    return {.read = [state = state_]() -> absl::StatusOr<std::string> {
              const int count = ++state->begun;
              if (count == 1) state->release.WaitForNotification();
              ++state->ended;
              return absl::StrCat("content ", count);
            },
            .open_directory = &NoDirectory};
  }
  void Release() { state_->release.Notify(); }
  int begun() const { return state_->begun; }
  int ended() const { return state_->ended; }

 private:
  struct State {
    absl::Notification release;
    std::atomic<int> begun = 0;
    std::atomic<int> ended = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class WatchedFileTest : public testing::Test {
 protected:
  WatchedFile Watch(const std::string& directory = "/etc",
                    const std::string& path = kPath) const {
    return WatchedFile(path, {.read = [files = root_.files(),
                                       path] { return files.Read(path); },
                              .open_directory =
                                  [files = root_.files(), directory] {
                                    return files.Open(directory, O_PATH);
                                  }});
  }
  // Replaces the file as editors do.
  void Replace(const std::string& content) const {
    root_.Write("/etc/new", content);
    std::filesystem::rename(root_.At("/etc/new"), root_.At(kPath));
  }
  void Remove(const std::string& path) const {
    std::filesystem::remove_all(root_.At(path));
  }

  const FakeRoot root_;
};

TEST_F(WatchedFileTest, HoldsTheContentFromTheBeginning) {
  root_.Write(kPath, "A=1\n");
  EXPECT_EQ(Watch().Latest().value_or(""), "A=1\n");
}

TEST_F(WatchedFileTest, AnEmptyFileHasAnEmptyContent) {
  root_.Write(kPath, "");
  const absl::StatusOr<std::string> content = Watch().Latest();
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(*content, "");
}

TEST_F(WatchedFileTest, AFileThatIsMissingIsNotFound) {
  root_.MakeDirectory("/etc");
  EXPECT_TRUE(absl::IsNotFound(Watch().Latest().status()));
}

TEST_F(WatchedFileTest, AFileWhoseDirectoryIsMissingIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(Watch().Latest().status()));
}

TEST_F(WatchedFileTest, SeesWhatIsWrittenInPlace) {
  root_.Write(kPath, "A=1\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  root_.Write(kPath, "A=2\n");
  EXPECT_TRUE(AwaitContent(file, "A=2\n"));
  root_.Write(kPath, "A=3\n");
  EXPECT_TRUE(AwaitContent(file, "A=3\n"));
}

TEST_F(WatchedFileTest, SeesAFileThatReplacesIt) {
  root_.Write(kPath, "A=1\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  Replace("A=2\n");
  EXPECT_TRUE(AwaitContent(file, "A=2\n"));
  Replace("A=3\n");
  EXPECT_TRUE(AwaitContent(file, "A=3\n"));
}

TEST_F(WatchedFileTest, SeesAFileThatIsMovedInFromElsewhere) {
  root_.Write(kPath, "A=1\n");
  root_.Write("/elsewhere", "A=2\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  std::filesystem::rename(root_.At("/elsewhere"), root_.At(kPath));
  EXPECT_TRUE(AwaitContent(file, "A=2\n"));
}

TEST_F(WatchedFileTest, SeesThatTheFileIsRemovedAndCreatedAgain) {
  root_.Write(kPath, "A=1\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  Remove(kPath);
  EXPECT_TRUE(Await([&] { return absl::IsNotFound(file.Latest().status()); }));
  root_.Write(kPath, "A=2\n");
  EXPECT_TRUE(AwaitContent(file, "A=2\n"));
}

TEST_F(WatchedFileTest, SeesThatTheFileIsMovedAway) {
  root_.Write(kPath, "A=1\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  std::filesystem::rename(root_.At(kPath), root_.At("/elsewhere"));
  EXPECT_TRUE(Await([&] { return absl::IsNotFound(file.Latest().status()); }));
}

TEST_F(WatchedFileTest, SeesThatItsDirectoryIsRemoved) {
  root_.Write(kPath, "A=1\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  Remove("/etc");
  EXPECT_TRUE(Await([&] { return absl::IsNotFound(file.Latest().status()); }));
}

TEST_F(WatchedFileTest, SeesThatItsDirectoryIsReplaced) {
  root_.Write(kPath, "A=1\n");
  root_.Write("/new/mailcow.conf", "A=2\n");
  const WatchedFile file = Watch();
  EXPECT_EQ(file.Latest().value_or(""), "A=1\n");
  std::filesystem::rename(root_.At("/etc"), root_.At("/old"));
  std::filesystem::rename(root_.At("/new"), root_.At("/etc"));
  EXPECT_TRUE(AwaitContent(file, "A=2\n"));
}

TEST_F(WatchedFileTest, WhileNothingChangesNothingIsRead) {
  root_.Write(kPath, "A=1\n");
  root_.Write("/other/x", "0");
  const auto reads = std::make_shared<std::atomic<int>>(0);
  const WatchedFile still(kPath, {.read =
                                      [files = root_.files(), reads] {
                                        ++*reads;
                                        return files.Read(kPath);
                                      },
                                  .open_directory =
                                      [files = root_.files()] {
                                        return files.Open("/etc", O_PATH);
                                      }});
  EXPECT_TRUE(still.Latest().ok());
  const WatchedFile other = Watch("/other", "/other/x");
  for (const char* content : {"1", "2", "3", "4", "5", "6", "7", "8", "9"}) {
    root_.Write("/other/x", content);
    EXPECT_TRUE(AwaitContent(other, content));
    EXPECT_EQ(still.Latest().value_or(""), "A=1\n");
  }
  // Every few seconds it is read all the same.
  EXPECT_LT(*reads, 5);
}

TEST(WatchedFile, AReaderThatHangsIsWaitedForOnlyOnce) {
  HangingReader reader;
  const WatchedFile file("/mnt/x", reader.access());
  const absl::Status status = file.Latest().status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "/mnt/x does not answer");
  // As many waits would take an hour.
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(file.Latest().status()));
  }
  EXPECT_EQ(reader.begun(), 1);
  reader.Release();
  EXPECT_TRUE(AwaitContent(file, "content 1"));
}

TEST(WatchedFile, HandsOutTheReadersErrors) {
  const WatchedFile file("/mnt/x",
                         {.read = []() -> absl::StatusOr<std::string> {
                            return absl::PermissionDeniedError("not for us");
                          },
                          .open_directory = &NoDirectory});
  EXPECT_EQ(file.Latest().status(), absl::PermissionDeniedError("not for us"));
}

TEST(WatchedFile, ADirectoryThatHangsIsLikeAReaderThatHangs) {
  const auto release = std::make_shared<absl::Notification>();
  const WatchedFile file(
      "/mnt/x",
      {.read = [] { return "content"; },
       .open_directory = [release]() -> absl::StatusOr<FileDescriptor> {
         release->WaitForNotification();
         return absl::NotFoundError("no directory");
       }});
  EXPECT_TRUE(absl::IsDeadlineExceeded(file.Latest().status()));
  release->Notify();
  EXPECT_TRUE(AwaitContent(file, "content"));
}

TEST(WatchedFile, EndsWhileTheReaderHangs) {
  HangingReader reader;
  const auto threads = Threads();
  {
    const WatchedFile file("/mnt/x", reader.access());
    ASSERT_TRUE(Await([&] { return reader.begun() == 1; }));
  }
  EXPECT_EQ(reader.ended(), 0);
  EXPECT_EQ(NewThreads(threads), 1u);
  reader.Release();
  EXPECT_TRUE(Await([&] { return NewThreads(threads) == 0; }));
  // What it was about to say concerns nobody, so it is not asked again.
  EXPECT_EQ(reader.begun(), 1);
}

TEST(WatchedFile, ItsThreadEndsWithIt) {
  const auto threads = Threads();
  {
    const WatchedFile file("/mnt/x", {.read = [] { return "content"; },
                                      .open_directory = &NoDirectory});
    EXPECT_TRUE(file.Latest().ok());
    EXPECT_EQ(NewThreads(threads), 1u);
  }
  EXPECT_TRUE(Await([&] { return NewThreads(threads) == 0; }));
}

}  // namespace
}  // namespace mailcow
