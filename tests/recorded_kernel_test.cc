#include "exporter/recorded_kernel.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

RecordedKernel Parse(absl::string_view json) {
  absl::StatusOr<RecordedKernel> kernel = RecordedKernel::Parse(json);
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  return *std::move(kernel);
}

absl::Status Mistake(absl::string_view json) {
  return RecordedKernel::Parse(json).status();
}

TEST(RecordedKernel, AnswersUname) {
  const RecordedKernel kernel =
      Parse(R"({"uname": {"machine": "x86_64", "release": "6.1.0-18-amd64"}})");
  ASSERT_TRUE(kernel.Uname().ok());
  EXPECT_EQ(kernel.Uname()->machine, "x86_64");
  EXPECT_EQ(kernel.Uname()->release, "6.1.0-18-amd64");
}

TEST(RecordedKernel, AnswersAdjtimex) {
  const RecordedKernel kernel = Parse(
      R"({"clock": {"offset_seconds": -0.5, "max_error_seconds": 16,
                    "unsynchronized_flag": true}})");
  ASSERT_TRUE(kernel.Adjtimex().ok());
  EXPECT_EQ(kernel.Adjtimex()->offset_seconds, -0.5);
  EXPECT_EQ(kernel.Adjtimex()->max_error_seconds, 16);
  EXPECT_TRUE(kernel.Adjtimex()->unsynchronized_flag);
}

TEST(RecordedKernel, NoLeapSecondIsPendingUnlessRecordedOtherwise) {
  EXPECT_FALSE(Parse(R"({"clock": {"offset_seconds": 0, "max_error_seconds": 0,
                          "unsynchronized_flag": false}})")
                   .Adjtimex()
                   ->leap_second_pending);
  EXPECT_TRUE(Parse(R"({"clock": {"offset_seconds": 0, "max_error_seconds": 0,
                                  "unsynchronized_flag": false,
                                  "leap_second_pending": true}})")
                  .Adjtimex()
                  ->leap_second_pending);
}

TEST(RecordedKernel, AnswersTheTimeInSecondsSinceTheEpoch) {
  const absl::StatusOr<absl::Time> now =
      Parse(R"({"time": 1767225600.25})").Now();
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(*now,
            absl::FromUnixSeconds(1'767'225'600) + absl::Milliseconds(250));
}

TEST(RecordedKernel, TheTimeMayBeBeforeTheEpoch) {
  EXPECT_EQ(*Parse(R"({"time": -1})").Now(), absl::FromUnixSeconds(-1));
}

TEST(RecordedKernel, AnswersHowOftenTheClockWasStepped) {
  EXPECT_EQ(Parse(R"({"clock_steps": 0})").ClockSteps().value_or(-1), 0);
  EXPECT_EQ(Parse(R"({"clock_steps": 3})").ClockSteps().value_or(-1), 3);
}

TEST(RecordedKernel, AnswersStatvfsOfARecordedPath) {
  const RecordedKernel kernel = Parse(
      R"({"filesystems": {"/srv": {"size_bytes": 3, "available_bytes": 2,
                                   "inodes_available": 1, "has_inodes": false,
                                   "read_only": true}}})");
  const absl::StatusOr<Filesystem> srv = kernel.Statvfs({"/srv"}).front();
  ASSERT_TRUE(srv.ok());
  EXPECT_EQ(srv->size_bytes, 3);
  EXPECT_EQ(srv->available_bytes, 2);
  EXPECT_EQ(srv->inodes_available, 1);
  EXPECT_FALSE(srv->has_inodes);
  EXPECT_TRUE(*srv->read_only);
}

TEST(RecordedKernel, AFilesystemIsWritableAndHasInodesUnlessRecordedOtherwise) {
  const RecordedKernel kernel = Parse(
      R"({"filesystems": {"/": {"size_bytes": 3, "available_bytes": 2,
                                "inodes_available": 1}}})");
  const absl::StatusOr<Filesystem> root = kernel.Statvfs({"/"}).front();
  ASSERT_TRUE(root.ok());
  EXPECT_TRUE(root->has_inodes);
  EXPECT_FALSE(*root->read_only);
}

TEST(RecordedKernel, APathThatWasNotRecordedIsNotFound) {
  const absl::Status status =
      Parse(R"({"filesystems": {}})").Statvfs({"/srv"}).front().status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), HasSubstr("/srv"));
}

TEST(RecordedKernel, ListsListenersWithInodesOfTheirOwn) {
  const RecordedKernel kernel = Parse(
      R"({"listeners": [{"address": "::", "port": 25, "ipv6_only": true},
                        {"address": "192.0.2.1", "port": 65535}]})");
  const absl::StatusOr<std::vector<Listener>> listeners = kernel.Listeners();
  ASSERT_TRUE(listeners.ok());
  ASSERT_EQ(listeners->size(), 2u);
  const Listener& first = (*listeners)[0];
  const Listener& second = (*listeners)[1];
  EXPECT_EQ(ToString(first.address, first.port), "[::]:25");
  EXPECT_TRUE(first.ipv6_only);
  EXPECT_EQ(ToString(second.address, second.port), "192.0.2.1:65535");
  EXPECT_FALSE(second.ipv6_only);
  EXPECT_NE(first.inode, second.inode);
}

TEST(RecordedKernel, KnowsTheOwnerOfEachListener) {
  const RecordedKernel kernel = Parse(
      R"({"listeners": [
            {"address": "::", "port": 25, "process": "exim4",
             "cgroup": "/system.slice/exim4.service"},
            {"address": "::", "port": 80, "process": "nginx"}]})");
  const std::vector<Owner> owners = kernel.OwnersOf(*kernel.Listeners());
  EXPECT_EQ(owners[0].process.value_or(""), "exim4");
  EXPECT_EQ(owners[0].cgroup.value_or(""), "/system.slice/exim4.service");
  EXPECT_EQ(owners[1].process.value_or(""), "nginx");
}

TEST(RecordedKernel, AnOwnerThatWasNotRecordedIsPermissionDenied) {
  const RecordedKernel kernel =
      Parse(R"({"listeners": [{"address": "::", "port": 25}]})");
  const Owner owner = kernel.OwnersOf(*kernel.Listeners()).front();
  EXPECT_TRUE(absl::IsPermissionDenied(owner.process.status()));
  EXPECT_TRUE(absl::IsPermissionDenied(owner.cgroup.status()));
}

TEST(RecordedKernel, ListsAddresses) {
  const absl::StatusOr<std::vector<IpAddress>> addresses =
      Parse(R"({"addresses": ["127.0.0.1", "::1"]})").Addresses();
  ASSERT_TRUE(addresses.ok());
  ASSERT_EQ(addresses->size(), 2u);
  EXPECT_EQ(ToString((*addresses)[0]), "127.0.0.1");
  EXPECT_EQ(ToString((*addresses)[1]), "::1");
}

TEST(RecordedKernel, WhatTheRecordingLacksIsUnavailable) {
  const RecordedKernel kernel = Parse("{}");
  EXPECT_TRUE(absl::IsUnavailable(kernel.Uname().status()));
  EXPECT_TRUE(absl::IsUnavailable(kernel.Adjtimex().status()));
  EXPECT_TRUE(absl::IsUnavailable(kernel.Now().status()));
  EXPECT_TRUE(absl::IsUnavailable(kernel.ClockSteps().status()));
  EXPECT_TRUE(absl::IsUnavailable(kernel.Statvfs({"/"}).front().status()));
  EXPECT_TRUE(absl::IsUnavailable(kernel.Listeners().status()));
  EXPECT_TRUE(absl::IsUnavailable(kernel.Addresses().status()));
  EXPECT_EQ(kernel.Addresses().status().message(),
            "the recording has no addresses");
}

// They are for recorded_parties.
TEST(RecordedKernel, LeavesTheOtherPartiesAlone) {
  EXPECT_TRUE(
      Mistake(R"({"docker": 7, "systemd": [], "time_servers": 7, "uname": {
      "machine": "x86_64", "release": "6.1"}})")
          .ok());
}

TEST(RecordedKernel, NoListenersIsAnAnswer) {
  const RecordedKernel kernel = Parse(R"({"listeners": []})");
  ASSERT_TRUE(kernel.Listeners().ok());
  EXPECT_TRUE(kernel.Listeners()->empty());
}

TEST(RecordedKernel, WhatIsNoJsonObjectIsInvalid) {
  for (const char* text : {"", "{", "[]", "7", "\"x\"", "\xff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Mistake(text))) << text;
  }
}

TEST(RecordedKernel, AMissingKeyIsInvalidAndNamed) {
  const absl::Status status = Mistake(R"({"uname": {"machine": "x86_64"}})");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("uname"));
}

TEST(RecordedKernel, AKeyOfAnotherTypeIsInvalidAndNamed) {
  const absl::Status status =
      Mistake(R"({"uname": {"machine": "x86_64", "release": 6}})");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(), HasSubstr("uname"));
}

TEST(RecordedKernel, AClockThatIsNoneIsInvalidAndNamed) {
  for (const char* json :
       {R"({"clock": null})",
        R"({"clock": {"offset_seconds": 0, "max_error_seconds": 0,
                      "unsynchronized_flag": false,
                      "leap_second_pending": 1}})"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Mistake(json))) << json;
    EXPECT_THAT(Mistake(json).message(), StartsWith("clock: ")) << json;
  }
}

TEST(RecordedKernel, ATimeThatIsNoNumberIsInvalidAndNamed) {
  for (const char* value : {"null", "\"2026-01-01\"", "{}", "[]"}) {
    const absl::Status time = Mistake(absl::StrCat("{\"time\": ", value, "}"));
    EXPECT_TRUE(absl::IsInvalidArgument(time)) << value;
    EXPECT_THAT(time.message(), StartsWith("time: ")) << value;
    const absl::Status steps =
        Mistake(absl::StrCat("{\"clock_steps\": ", value, "}"));
    EXPECT_TRUE(absl::IsInvalidArgument(steps)) << value;
    EXPECT_THAT(steps.message(), StartsWith("clock_steps: ")) << value;
  }
}

TEST(RecordedKernel, AnAddressThatIsNoneIsInvalidAndNamed) {
  const absl::Status listener =
      Mistake(R"({"listeners": [{"address": "localhost", "port": 25}]})");
  EXPECT_TRUE(absl::IsInvalidArgument(listener));
  EXPECT_THAT(listener.message(), HasSubstr("listeners"));
  const absl::Status address = Mistake(R"({"addresses": ["localhost"]})");
  EXPECT_TRUE(absl::IsInvalidArgument(address));
  EXPECT_THAT(address.message(), HasSubstr("addresses"));
}

TEST(RecordedKernel, APortBeyondTheLastIsInvalid) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      Mistake(R"({"listeners": [{"address": "::", "port": 65561}]})")));
}

TEST(RecordedKernel, NullIsNoList) {
  EXPECT_TRUE(absl::IsInvalidArgument(Mistake(R"({"listeners": null})")));
  EXPECT_TRUE(absl::IsInvalidArgument(Mistake(R"({"addresses": null})")));
  EXPECT_TRUE(absl::IsInvalidArgument(Mistake(R"({"filesystems": null})")));
}

}  // namespace
}  // namespace mailcow
