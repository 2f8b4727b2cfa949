#include "collectors/daemon_json.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

constexpr char kPath[] = "/etc/docker/daemon.json";

// Why the engine would not start with `text`.
std::string ComplaintOf(absl::string_view text) {
  const absl::Status status = ParseDaemonJson(text).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << text;
  return std::string(status.message());
}

TEST(ParseDaemonJson, TellsWhatIsSet) {
  const auto daemon = ParseDaemonJson(
      R"({"data-root": "/data/docker", "userland-proxy": false})");
  EXPECT_EQ(daemon->data_root, "/data/docker");
  EXPECT_EQ(daemon->userland_proxy, false);
}

TEST(ParseDaemonJson, UserlandProxyMayBeTurnedOnExpressly) {
  EXPECT_EQ(ParseDaemonJson(R"({"userland-proxy": true})")->userland_proxy,
            true);
}

TEST(ParseDaemonJson, OtherKeysSetNothingOfThese) {
  const auto daemon = ParseDaemonJson(R"({"log-driver": "journald"})");
  EXPECT_EQ(daemon->data_root, std::nullopt);
  EXPECT_EQ(daemon->userland_proxy, std::nullopt);
}

TEST(ParseDaemonJson, EmptyFileSetsNothing) {
  for (const char* text : {"", "\n", " \t\r\n", "{}"}) {
    const auto daemon = ParseDaemonJson(text);
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    EXPECT_EQ(daemon->data_root, std::nullopt);
  }
}

TEST(ParseDaemonJson, NamesTheLineThatIsNoJson) {
  EXPECT_EQ(ComplaintOf("{\n  \"data-root\": \"/data\",\n}\n"),
            "line 3 of /etc/docker/daemon.json is not JSON");
  EXPECT_EQ(ComplaintOf("{\n  \"debug\": true\n  \"ipv6\": true\n}\n"),
            "line 3 of /etc/docker/daemon.json is not JSON");
  EXPECT_EQ(ComplaintOf("# comment\n{}\n"),
            "line 1 of /etc/docker/daemon.json is not JSON");
}

// A quote that is forgotten shows only where the line ends.
TEST(ParseDaemonJson, NamesTheLineOfAStringThatIsNotClosed) {
  EXPECT_EQ(ComplaintOf("{\n  \"data-root\": \"/data,\n  \"ipv6\": true\n}\n"),
            "line 2 of /etc/docker/daemon.json is not JSON");
}

TEST(ParseDaemonJson, RefusesANumberThatNoDoubleHolds) {
  EXPECT_EQ(ComplaintOf(R"({"x": 1e999})"),
            "/etc/docker/daemon.json has a number out of range");
}

TEST(ParseDaemonJson, RefusesWhatIsNoObject) {
  for (const char* text : {"[]", "\"/data\"", "null", "1"}) {
    EXPECT_THAT(ComplaintOf(text), HasSubstr("is not a JSON object"));
  }
}

TEST(ParseDaemonJson, DataRootIsAnAbsolutePath) {
  for (const char* text :
       {R"({"data-root": 1})", R"({"data-root": "data"})",
        R"({"data-root": ["/data"]})", R"({"data-root": "/a\u0000b"})"}) {
    EXPECT_THAT(ComplaintOf(text), HasSubstr("data-root")) << text;
  }
}

TEST(ParseDaemonJson, WhatIsNullOrEmptyIsNotSet) {
  const auto daemon = ParseDaemonJson(
      R"({"data-root": "", "userland-proxy": null, "live-restore": null})");
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  EXPECT_EQ(daemon->data_root, std::nullopt);
  EXPECT_EQ(daemon->userland_proxy, std::nullopt);
  EXPECT_EQ(daemon->live_restore, std::nullopt);
  EXPECT_TRUE(ParseDaemonJson(R"({"data-root": null})").ok());
}

TEST(ParseDaemonJson, LiveRestoreIsTrueOrFalse) {
  EXPECT_EQ(ParseDaemonJson(R"({"live-restore": true})")->live_restore, true);
  EXPECT_THAT(ComplaintOf(R"({"live-restore": "yes"})"),
              HasSubstr("live-restore"));
}

TEST(ParseDaemonJson, UserlandProxyIsTrueOrFalse) {
  for (const char* text :
       {R"({"userland-proxy": "false"})", R"({"userland-proxy": 0})",
        R"({"userland-proxy": {}})"}) {
    EXPECT_THAT(ComplaintOf(text), HasSubstr("userland-proxy")) << text;
  }
}

TEST(ReadDaemonJson, FileOfTheHostIsRead) {
  const FakeRoot root;
  root.Write(kPath, R"({"data-root": "/data"})");
  EXPECT_EQ(ReadDaemonJson(root.files())->data_root, "/data");
}

TEST(ReadDaemonJson, NoFileSetsNothing) {
  const FakeRoot root;
  const auto daemon = ReadDaemonJson(root.files());
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  EXPECT_EQ(daemon->data_root, std::nullopt);
  EXPECT_EQ(daemon->userland_proxy, std::nullopt);
}

TEST(ReadDaemonJson, UnreadableFileIsAnErrorThatIsNotOfItsContent) {
  const FakeRoot root;
  root.Link("daemon.json", kPath);  // A link to itself.
  const absl::Status status = ReadDaemonJson(root.files()).status();
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(kPath));
}

}  // namespace
}  // namespace mailcow
