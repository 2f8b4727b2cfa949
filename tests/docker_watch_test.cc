#include "exporter/docker_watch.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_engine.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr char kSocket[] = "/run/docker.sock";
constexpr char kContainers[] = "/v1.41/containers/json?all=true";
constexpr char kInfo[] = "/v1.41/info";
constexpr char kVolumes[] = "/v1.41/volumes";

// Asks again and again; what was answered stays good for the whole test.
constexpr DockerWatch::Pace kBusy = {.every = absl::Milliseconds(1),
                                     .allowance = absl::Hours(1),
                                     .every_inventory = absl::Hours(1)};
// Asks once.
constexpr DockerWatch::Pace kOnce = {.every = absl::Hours(1),
                                     .allowance = absl::Hours(1),
                                     .every_inventory = absl::Hours(1)};
// What was answered is soon too old, unless it is answered again.
constexpr DockerWatch::Pace kImpatient = {
    .every = absl::Milliseconds(1),
    .allowance = absl::Milliseconds(200),
    .every_inventory = absl::Milliseconds(1)};

std::string Info(const std::string& version) {
  return absl::StrCat(R"({"ServerVersion": ")", version,
                      R"(", "Driver": "overlay2",
                      "DockerRootDir": "/srv/docker"})");
}

class DockerWatchTest : public testing::Test {
 protected:
  // As in main(): the HTTP library writes to connections that may be closed.
  DockerWatchTest() { signal(SIGPIPE, SIG_IGN); }

  void MakeEngine(const std::string& version = "24.0.7") {
    engine_.emplace();
    engine_->Answer(kInfo, Info(version));
    engine_->Answer(kContainers, R"([
        {"Id": "4f5e", "Names": ["/nginx-1"], "State": "running",
         "Status": "Up 2 hours"}])");
    engine_->Answer(kVolumes, R"({"Volumes": [
        {"Name": "vmail", "Mountpoint": "/srv/docker/volumes/vmail/_data"}]})");
  }
  void StartEngine(const std::string& version = "24.0.7") {
    MakeEngine(version);
    engine_->Start(root_.At(kSocket));
  }
  void Watch(const DockerWatch::Pace& pace) {
    watch_ = std::make_unique<DockerWatch>(root_.files(), kSocket, pace);
  }
  // Watches an engine that has answered, and answers no longer.
  void WatchOneThatFallsSilent(const DockerWatch::Pace& pace) {
    StartEngine();
    Watch(pace);
    ASSERT_TRUE(watch_->AwaitFirst(kSlow));
    engine_->Hold();
    ASSERT_TRUE(engine_->AwaitHeld());
  }
  DockerState Latest() const { return watch_->Latest(); }

  const FakeRoot root_;
  std::optional<FakeEngine> engine_;
  // Ends before the engine that it asks.
  std::unique_ptr<DockerWatch> watch_;
};

FileDescriptor ListenOnLoopback() {
  FileDescriptor listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(listen(listening.get(), 1), 0);
  return listening;
}

uint64_t InodeOf(const FileDescriptor& file) {
  struct stat status = {};
  EXPECT_EQ(fstat(file.get(), &status), 0);
  return status.st_ino;
}

size_t EntriesOf(const char* directory) {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator(directory),
                    std::filesystem::directory_iterator()));
}
size_t Threads() { return EntriesOf("/proc/self/task"); }
size_t Descriptors() { return EntriesOf("/proc/self/fd"); }

TEST_F(DockerWatchTest, BeforeAnyAnswerTheEngineIsSilentNotMissing) {
  StartEngine();
  engine_->Hold();
  Watch(kOnce);
  EXPECT_FALSE(watch_->AwaitFirst(absl::Milliseconds(1)));
  const DockerState state = Latest();
  EXPECT_TRUE(absl::IsDeadlineExceeded(state.engine.status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(state.containers.status()));
  EXPECT_THAT(std::string(state.engine.status().message()),
              MatchesRegex("Docker's engine at /run/docker.sock is silent "
                           "since [0-9]+ seconds"));
  EXPECT_EQ(state.data_root, "");
}

TEST_F(DockerWatchTest, HasWhatTheEngineAnswered) {
  StartEngine();
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  const DockerState state = Latest();
  ASSERT_TRUE(state.engine.ok()) << state.engine.status();
  EXPECT_EQ(state.engine->version, "24.0.7");
  EXPECT_EQ(state.data_root, "/srv/docker");
  ASSERT_TRUE(state.containers.ok()) << state.containers.status();
  ASSERT_EQ(state.containers->size(), 1u);
  EXPECT_EQ(state.containers->front().name, "nginx-1");
  ASSERT_EQ(state.volumes.size(), 1u);
  EXPECT_EQ(state.volumes.front().name, "vmail");
}

TEST_F(DockerWatchTest, AsksForContainersAgainAndAgain) {
  StartEngine();
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_->Answer(kContainers, "[]");
  EXPECT_TRUE(Eventually([this] { return Latest().containers->empty(); }));
}

TEST_F(DockerWatchTest, AsksForWhatHardlyChangesLessOften) {
  StartEngine();
  Watch(kBusy);
  ASSERT_TRUE(engine_->AwaitAsked(kContainers, 10));
  EXPECT_EQ(engine_->TimesAsked(kInfo), 1u);
  EXPECT_EQ(engine_->TimesAsked(kVolumes), 1u);
  const DockerState state = Latest();
  ASSERT_TRUE(state.engine.ok());
  EXPECT_EQ(state.engine->version, "24.0.7");
  EXPECT_THAT(state.volumes, testing::SizeIs(1));
}

TEST_F(DockerWatchTest, WhatHardlyChangesIsAskedForAgainWhenItsTimeHasCome) {
  StartEngine();
  Watch({.every = absl::Milliseconds(1),
         .allowance = absl::Hours(1),
         .every_inventory = absl::Milliseconds(2)});
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_->Answer(kInfo, Info("25.0.0"));
  EXPECT_TRUE(
      Eventually([this] { return Latest().engine->version == "25.0.0"; }));
}

TEST_F(DockerWatchTest, AfterAnOutageTheEngineMayBeAnother) {
  StartEngine();
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_.reset();
  ASSERT_TRUE(Eventually([this] { return !Latest().engine.ok(); }));
  StartEngine("25.0.0");
  ASSERT_TRUE(Eventually([this] { return Latest().engine.ok(); }));
  EXPECT_EQ(Latest().engine->version, "25.0.0");
}

TEST_F(DockerWatchTest, WithoutAnEngineThatIsKnownAtOnce) {
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  EXPECT_TRUE(absl::IsNotFound(Latest().engine.status()));
  EXPECT_TRUE(absl::IsNotFound(Latest().containers.status()));
}

TEST_F(DockerWatchTest, AnEngineThatComesIsFound) {
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  StartEngine();
  EXPECT_TRUE(Eventually([this] { return Latest().engine.ok(); }));
}

// Nothing in this test makes an answer too old.
TEST_F(DockerWatchTest, AnEngineThatIsGoneIsNotBelievedForAnyTime) {
  StartEngine();
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_.reset();
  EXPECT_TRUE(Eventually(
      [this] { return absl::IsNotFound(Latest().engine.status()); }));
  EXPECT_TRUE(absl::IsNotFound(Latest().containers.status()));
}

TEST_F(DockerWatchTest, TheFilesOfAnEngineThatIsGoneStayWhereTheyAre) {
  StartEngine();
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_.reset();
  ASSERT_TRUE(Eventually([this] { return !Latest().engine.ok(); }));
  EXPECT_EQ(Latest().data_root, "/srv/docker");
  EXPECT_THAT(Latest().volumes, testing::SizeIs(1));
}

TEST_F(DockerWatchTest, AnEngineThatRefusesIsUnknownWithItsReason) {
  StartEngine();
  engine_->Send(kContainers, HttpAnswer(500, ""));
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  for (const absl::Status& status :
       {Latest().engine.status(), Latest().containers.status()}) {
    EXPECT_TRUE(absl::IsDataLoss(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("is 500"));
  }
}

TEST_F(DockerWatchTest, WhatIsNoAnswerToOneQuestionLeavesTheOthers) {
  StartEngine();
  engine_->Answer(kInfo, "{}");
  engine_->Answer(kVolumes, "{}");
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  EXPECT_TRUE(absl::IsDataLoss(Latest().engine.status()));
  EXPECT_TRUE(Latest().containers.ok());
}

TEST_F(DockerWatchTest, AVolumeDriverThatIsSilentCostsNothingElse) {
  StartEngine();
  engine_->Send(kVolumes, "");
  engine_->CloseAfter(kVolumes);
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  EXPECT_TRUE(Latest().engine.ok()) << Latest().engine.status();
  EXPECT_TRUE(Latest().containers.ok());
}

TEST_F(DockerWatchTest, AnEngineThatFallsSilentKeepsItsLastAnswerForAWhile) {
  WatchOneThatFallsSilent(kBusy);
  EXPECT_TRUE(Latest().engine.ok());
  EXPECT_TRUE(Latest().containers.ok());
}

TEST_F(DockerWatchTest, AQuestionThatComesToNothingLeavesTheLastAnswer) {
  StartEngine();
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_->Send(kContainers, "");
  engine_->CloseAfter(kContainers);
  ASSERT_TRUE(
      engine_->AwaitAsked(kContainers, engine_->TimesAsked(kContainers) + 5));
  EXPECT_TRUE(Latest().engine.ok());
  EXPECT_TRUE(Latest().containers.ok());
}

TEST_F(DockerWatchTest, AnAnswerThatIsTooOldIsNotBelieved) {
  WatchOneThatFallsSilent(kImpatient);
  EXPECT_TRUE(Eventually([this] {
    return absl::IsDeadlineExceeded(Latest().engine.status()) &&
           absl::IsDeadlineExceeded(Latest().containers.status());
  }));
  const DockerState state = Latest();
  EXPECT_THAT(std::string(state.containers.status().message()),
              HasSubstr("/run/docker.sock is silent since"));
  EXPECT_EQ(state.data_root, "/srv/docker");
  EXPECT_THAT(state.volumes, testing::SizeIs(1));
}

TEST_F(DockerWatchTest, AnEngineThatAnswersAgainIsBelievedAgain) {
  WatchOneThatFallsSilent(kImpatient);
  ASSERT_TRUE(Eventually([this] { return !Latest().engine.ok(); }));
  engine_->Release();
  EXPECT_TRUE(Eventually(
      [this] { return Latest().engine.ok() && Latest().containers.ok(); }));
}

TEST_F(DockerWatchTest, AnAnswerIsAsOldAsItsQuestion) {
  StartEngine();
  engine_->Hold();
  Watch(kOnce);
  ASSERT_TRUE(engine_->AwaitHeld());
  const absl::Time asked = absl::Now();
  // So long that the answer would be told from the question.
  ASSERT_TRUE(
      Eventually([asked] { return absl::Now() > asked + absl::Seconds(1); }));
  engine_->Release();
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  EXPECT_GE(Latest().age, absl::Seconds(1));
}

TEST_F(DockerWatchTest, KnowsWhichSocketsListened) {
  const FileDescriptor listening = ListenOnLoopback();
  StartEngine();
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  EXPECT_THAT(Latest().listeners, Contains(InodeOf(listening)));
}

TEST_F(DockerWatchTest, ASocketIsSettledOnceItWasSeenTwice) {
  const FileDescriptor listening = ListenOnLoopback();
  StartEngine();
  Watch(kOnce);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  EXPECT_THAT(Latest().settled_listeners, Not(Contains(InodeOf(listening))));
  Watch(kBusy);
  EXPECT_TRUE(Eventually([&] {
    return Latest().settled_listeners.count(InodeOf(listening)) == 1;
  }));
}

// The answer may be older than the socket, and not know whose it is.
TEST_F(DockerWatchTest, ASocketThatCameAfterTheQuestionIsNotOneOfThem) {
  StartEngine();
  engine_->Hold();
  Watch(kOnce);
  ASSERT_TRUE(engine_->AwaitHeld());
  const FileDescriptor listening = ListenOnLoopback();
  engine_->Release();
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  ASSERT_TRUE(Latest().containers.ok());
  EXPECT_THAT(Latest().listeners, Not(Contains(InodeOf(listening))));
}

TEST_F(DockerWatchTest, EndsWithoutWaitingForAnEngineThatIsSilent) {
  WatchOneThatFallsSilent(kBusy);
  watch_.reset();
  EXPECT_TRUE(engine_->IsAwaited());
}

TEST_F(DockerWatchTest, ItsThreadEndsWhenTheEngineAnswers) {
  StartEngine();
  const size_t before = Threads();
  Watch(kBusy);
  ASSERT_TRUE(watch_->AwaitFirst(kSlow));
  engine_->Hold();
  ASSERT_TRUE(engine_->AwaitHeld());
  watch_.reset();
  engine_->Release();
  EXPECT_TRUE(Eventually([before] { return Threads() <= before; }));
}

TEST_F(DockerWatchTest, ASilentEngineIsAskedOnceHoweverOftenWeAreAsked) {
  WatchOneThatFallsSilent(kImpatient);
  const size_t threads = Threads();
  const size_t descriptors = Descriptors();
  ASSERT_TRUE(Eventually([this] { return !Latest().engine.ok(); }));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(Latest().engine.ok());
  EXPECT_LE(Threads(), threads);
  EXPECT_LE(Descriptors(), descriptors);
}

TEST_F(DockerWatchTest, RoundsWithoutAnAnswerLeaveNothingBehind) {
  StartEngine();
  engine_->Send(kContainers, "");
  engine_->CloseAfter(kContainers);
  Watch(kBusy);
  ASSERT_TRUE(engine_->AwaitAsked(kContainers, 3));
  const size_t threads = Threads();
  const size_t descriptors = Descriptors();
  ASSERT_TRUE(engine_->AwaitAsked(kContainers, 200));
  EXPECT_LE(Threads(), threads);
  // Less than one for each round.
  EXPECT_LT(Descriptors(), descriptors + 50);
  EXPECT_FALSE(watch_->AwaitFirst(absl::ZeroDuration()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Latest().engine.status()));
}

}  // namespace
}  // namespace mailcow
