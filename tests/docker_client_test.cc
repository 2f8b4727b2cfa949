#include "exporter/docker_client.h"

#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "absl/cleanup/cleanup.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_engine.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kSocket[] = "/run/docker.sock";

// More than the client may take of an answer that has no end.
constexpr size_t kFloodBytes = size_t{256} << 20;
constexpr size_t kFewBytes = size_t{64} << 20;

class DockerClientTest : public testing::Test {
 protected:
  // As in main(): the HTTP library writes to connections that may be closed.
  DockerClientTest() { signal(SIGPIPE, SIG_IGN); }

  void StartEngine(const std::string& path = kSocket) {
    engine_.Answer("/v1.41/info", "{}");
    engine_.Start(root_.At(path));
  }
  absl::StatusOr<std::vector<std::string>> Get(
      const std::vector<std::string>& paths,
      const std::string& socket = kSocket) {
    return DockerClient(root_.files(), socket).Get(paths, absl::Seconds(30));
  }
  absl::Status Mistake(const std::string& socket = kSocket) {
    return Get({"/info"}, socket).status();
  }

  const FakeRoot root_;
  FakeEngine engine_;
};

TEST_F(DockerClientTest, HandsBackTheBodiesInTheOrderOfTheQuestions) {
  StartEngine();
  engine_.Answer("/v1.41/info", "about me");
  engine_.Answer("/v1.41/containers/json?all=true", "[]");
  const auto bodies = Get({"/containers/json?all=true", "/info"});
  ASSERT_TRUE(bodies.ok()) << bodies.status();
  EXPECT_THAT(*bodies, ElementsAre("[]", "about me"));
}

TEST_F(DockerClientTest, AsksForTheVersionThatTheEngineSpeaks) {
  StartEngine();
  engine_.Send("/_ping", HttpAnswer(200, "OK", "Api-Version: 1.24\r\n"));
  engine_.Answer("/v1.24/info", "of old");
  const auto bodies = Get({"/info"});
  ASSERT_TRUE(bodies.ok()) << bodies.status();
  EXPECT_THAT(*bodies, ElementsAre("of old"));
}

TEST_F(DockerClientTest, AnEngineThatDoesNotSayItsVersionIsDataLoss) {
  StartEngine();
  engine_.Send("/_ping", HttpAnswer(200, "OK"));
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(),
            "Docker's engine at /run/docker.sock: it does not say which "
            "version it speaks");
}

TEST_F(DockerClientTest, OnlyGetsAndNamesAHost) {
  StartEngine();
  EXPECT_TRUE(Get({"/info", "/info"}).ok());
  const std::vector<std::string> requests = engine_.requests();
  EXPECT_EQ(requests.size(), 3u);
  EXPECT_THAT(requests,
              Each(AllOf(StartsWith("GET /"), HasSubstr("\r\nHost: docker\r\n"),
                         testing::Not(HasSubstr("Content-Length")))));
}

TEST_F(DockerClientTest, AsksAllOverOneConnection) {
  StartEngine();
  EXPECT_TRUE(Get({"/info", "/info"}).ok());
  EXPECT_EQ(engine_.connections(), 1);
}

TEST_F(DockerClientTest, ReadsAnAnswerInChunks) {
  StartEngine();
  engine_.Send("/v1.41/info",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n");
  const auto bodies = Get({"/info"});
  ASSERT_TRUE(bodies.ok()) << bodies.status();
  EXPECT_THAT(*bodies, ElementsAre("{\"a\":1}"));
}

TEST_F(DockerClientTest, WithoutASocketIsNotFound) {
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "there is no Docker engine at /run/docker.sock");
}

TEST_F(DockerClientTest, ASocketThatNobodyListensOnIsNotFound) {
  { const FileDescriptor left_behind = ListenAt(root_.At(kSocket)); }
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no Docker engine listens at /run/docker.sock");
}

TEST_F(DockerClientTest, AFileThatIsNoSocketIsNotFound) {
  root_.Write(kSocket, "");
  EXPECT_TRUE(absl::IsNotFound(Mistake()));
}

TEST_F(DockerClientTest, ASocketForOthersIsPermissionDeniedAndSaysWhatItTakes) {
  if (geteuid() != 0) GTEST_SKIP() << "becoming another user takes root";
  StartEngine();
  std::filesystem::permissions(root_.At("/"), std::filesystem::perms{0755});
  std::filesystem::permissions(root_.At(kSocket), std::filesystem::perms{0600});
  absl::Status status;
  {
    constexpr uid_t kNobody = 65534;
    setfsuid(kNobody);
    const absl::Cleanup restore = [] {
      setfsuid(0);
      // The kernel takes this from who changes users; sanitizers need it.
      prctl(PR_SET_DUMPABLE, 1);
    };
    status = Mistake();
  }
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(status.message(),
            "connecting to /run/docker.sock takes root or the group docker");
  EXPECT_THAT(engine_.requests(), testing::IsEmpty());
}

TEST_F(DockerClientTest, AnErrorIsDataLossAndNamesItsPathAndStatus) {
  StartEngine();
  engine_.Send("/v1.41/info", HttpAnswer(500, "{\"message\": \"no\"}"));
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(),
            "Docker's engine at /run/docker.sock: the answer to /v1.41/info is "
            "500");
}

TEST_F(DockerClientTest, AConnectionClosedWithoutAnAnswerIsDeadlineExceeded) {
  StartEngine();
  engine_.Send("/_ping", "");
  engine_.CloseAfter("/_ping");
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no answer to /_ping"));
}

TEST_F(DockerClientTest, AnAnswerThatIsCutIsDeadlineExceededAndNamesItsPath) {
  StartEngine();
  engine_.Send("/v1.41/info", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{");
  engine_.CloseAfter("/v1.41/info");
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no answer to /v1.41/info"));
}

TEST_F(DockerClientTest, AnEngineThatTakesNoMoreConnectionsIsDeadlineExceeded) {
  // The first to connect has the only place, as nobody is let in.
  const FileDescriptor full = ListenAt(root_.At(kSocket), 0);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Mistake()));
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "/run/docker.sock takes no more connections");
}

TEST_F(DockerClientTest, AnAnswerWithoutEndIsDataLossAndNotTakenWhole) {
  StartEngine();
  engine_.Send("/v1.41/info", "HTTP/1.1 200 OK\r\n\r\n");
  engine_.FloodAfter("/v1.41/info", kFloodBytes);
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_EQ(status.message(),
            "Docker's engine at /run/docker.sock: the answer to /v1.41/info "
            "has no end");
  EXPECT_LT(engine_.flooded_bytes(), kFewBytes);
}

TEST_F(DockerClientTest, APingWithoutEndIsDataLossAndNotTakenWhole) {
  StartEngine();
  engine_.Send("/_ping", "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\n\r\n");
  engine_.FloodAfter("/_ping", kFloodBytes);
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_LT(engine_.flooded_bytes(), kFewBytes);
}

TEST_F(DockerClientTest, FollowsLinksInsideTheRootOfTheHost) {
  root_.Link("/run", "/var/run");
  StartEngine("/run/docker.sock");
  EXPECT_TRUE(Get({"/info"}, "/var/run/docker.sock").ok());
}

// As Debian's podman-docker has it.
TEST_F(DockerClientTest, TheSocketItselfMayBeALink) {
  root_.Link("/run/podman/podman.sock", "/run/docker.sock");
  StartEngine("/run/podman/podman.sock");
  EXPECT_TRUE(Get({"/info"}, "/run/docker.sock").ok());
}

TEST_F(DockerClientTest, APathMayBeLongerThanASocketsAddress) {
  const std::string path = absl::StrCat("/", std::string(200, 'd'), "/s.sock");
  StartEngine(path);
  const auto bodies = Get({"/info"}, path);
  EXPECT_TRUE(bodies.ok()) << bodies.status();
}

TEST(NegotiateApiVersion, IsTheEnginesOwn) {
  EXPECT_EQ(NegotiateApiVersion("1.41").value_or("?"), "1.41");
  EXPECT_EQ(NegotiateApiVersion("1.24").value_or("?"), "1.24");
  EXPECT_EQ(NegotiateApiVersion("1.9").value_or("?"), "1.9");
}

TEST(NegotiateApiVersion, IsNoNewerThanWhatWeKnow) {
  EXPECT_EQ(NegotiateApiVersion("1.52").value_or("?"), "1.52");
  EXPECT_EQ(NegotiateApiVersion("1.53").value_or("?"), "1.52");
  EXPECT_EQ(NegotiateApiVersion("1.100").value_or("?"), "1.52");
}

TEST(NegotiateApiVersion, WhatIsNoSuchVersionIsDataLoss) {
  for (const char* offered :
       {"", "1", "1.", ".41", "2.0", "1.x", "1.-1", "1.41.0", "v1.41"}) {
    EXPECT_TRUE(absl::IsDataLoss(NegotiateApiVersion(offered).status()))
        << offered;
  }
}

}  // namespace
}  // namespace mailcow
