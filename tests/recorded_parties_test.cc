#include "exporter/recorded_parties.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DockerState DockerOf(absl::string_view json) {
  const absl::StatusOr<RecordedDocker> docker = RecordedDocker::Parse(json);
  EXPECT_TRUE(docker.ok()) << docker.status();
  return docker.ok() ? docker->Latest() : DockerState();
}

absl::StatusOr<std::vector<SystemdUnit>> UnitsOf(
    absl::string_view json, const std::vector<std::string>& names) {
  const absl::StatusOr<RecordedBus> bus = RecordedBus::Parse(json);
  EXPECT_TRUE(bus.ok()) << bus.status();
  if (!bus.ok()) return bus.status();
  return bus->Units(names);
}

absl::Status DockerMistake(absl::string_view json) {
  return RecordedDocker::Parse(json).status();
}

// What the server ntp.example says.
absl::StatusOr<ServerTime> TimeOf(absl::string_view json) {
  const absl::StatusOr<RecordedTimeServers> servers =
      RecordedTimeServers::Parse(json);
  EXPECT_TRUE(servers.ok()) << servers.status();
  if (!servers.ok()) return servers.status();
  return servers->Ask({"ntp.example"}).front();
}

absl::Status TimeServersMistake(absl::string_view json) {
  return RecordedTimeServers::Parse(json).status();
}

absl::Status BusMistake(absl::string_view json) {
  return RecordedBus::Parse(json).status();
}

TEST(RecordedDocker, AnswersWhatTheEngineDid) {
  const DockerState state = DockerOf(R"({"docker": {
      "/info": {"ServerVersion": "24.0.7", "Driver": "overlay2",
                "DockerRootDir": "/srv/docker"},
      "/containers/json": [{"Id": "4f5e", "Names": ["/nginx-1"],
                            "State": "running", "Status": "Up 2 hours"}],
      "/volumes": {"Volumes": [{"Name": "vmail", "Mountpoint": "/srv/v"}]}}})");
  ASSERT_TRUE(state.engine.ok()) << state.engine.status();
  EXPECT_EQ(state.engine->version, "24.0.7");
  EXPECT_EQ(state.data_root, "/srv/docker");
  ASSERT_TRUE(state.containers.ok()) << state.containers.status();
  ASSERT_EQ(state.containers->size(), 1u);
  EXPECT_EQ(state.containers->front().name, "nginx-1");
  ASSERT_EQ(state.volumes.size(), 1u);
  EXPECT_EQ(state.volumes.front().directory, "/srv/v");
  EXPECT_EQ(state.age, absl::ZeroDuration());
}

TEST(RecordedDocker, NullIsAHostWithoutAnEngine) {
  const DockerState state = DockerOf(R"({"docker": null})");
  EXPECT_TRUE(absl::IsNotFound(state.engine.status()));
  EXPECT_TRUE(absl::IsNotFound(state.containers.status()));
  EXPECT_EQ(state.data_root, "");
  EXPECT_THAT(state.volumes, IsEmpty());
}

TEST(RecordedDocker, WhatTheRecordingLacksIsUnavailableNotMissing) {
  const DockerState state = DockerOf("{}");
  EXPECT_TRUE(absl::IsUnavailable(state.engine.status()));
  EXPECT_TRUE(absl::IsUnavailable(state.containers.status()));
}

TEST(RecordedDocker, ARecordingMayHaveSomeOfTheAnswers) {
  const DockerState state = DockerOf(R"({"docker": {"/containers/json": []}})");
  ASSERT_TRUE(state.containers.ok()) << state.containers.status();
  EXPECT_THAT(*state.containers, IsEmpty());
  EXPECT_TRUE(absl::IsUnavailable(state.engine.status()));
  EXPECT_EQ(state.engine.status().message(),
            "the recording has no docker /info");
  EXPECT_EQ(state.data_root, "");
}

TEST(RecordedDocker, EveryRecordedListenerWasThereWhenItWasAsked) {
  EXPECT_THAT(DockerOf(R"({"listeners": [{"address": "::", "port": 25},
                                         {"address": "::", "port": 80}]})")
                  .listeners,
              ElementsAre(1, 2));
}

TEST(RecordedDocker, WithoutListenersThereWereNone) {
  EXPECT_THAT(DockerOf("{}").listeners, IsEmpty());
  EXPECT_THAT(DockerOf(R"({"listeners": []})").listeners, IsEmpty());
}

TEST(RecordedDocker, AnAnswerOfAnotherFormIsInvalidAndNamed) {
  for (const char* path : {"/info", "/containers/json", "/volumes"}) {
    for (const char* body : {"7", "null", "[7]", "{\"Volumes\": 7}"}) {
      const absl::Status status = DockerMistake(
          absl::StrCat(R"({"docker": {")", path, "\": ", body, "}}"));
      EXPECT_TRUE(absl::IsInvalidArgument(status)) << path << " " << body;
      EXPECT_THAT(std::string(status.message()), HasSubstr(path)) << body;
    }
  }
}

TEST(RecordedDocker, DockerOfAnotherFormIsInvalidAndNamed) {
  for (const char* json :
       {R"({"docker": []})", R"({"docker": 7})", R"({"docker": "none"})"}) {
    const absl::Status status = DockerMistake(json);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr("docker")) << json;
  }
}

TEST(RecordedDocker, WhatIsNoJsonObjectIsInvalid) {
  for (const char* json : {"", "{", "[]", "null", "\xff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(DockerMistake(json))) << json;
  }
}

TEST(RecordedDocker, NestingWithoutEndIsInvalid) {
  constexpr size_t kDepth = 50'000;
  const absl::Status status = DockerMistake(
      absl::StrCat(R"({"docker": {"/info": )", std::string(kDepth, '['),
                   std::string(kDepth, ']'), "}}"));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
}

TEST(RecordedBus, AnswersForEachNameInTheirOrder) {
  const auto units = UnitsOf(R"({"systemd": {
      "exim4.service": {"active_state": "active", "file_state": "enabled"},
      "postfix.service": {"active_state": "failed", "file_state": "masked"}}})",
                             {"postfix.service", "exim4.service"});
  ASSERT_TRUE(units.ok()) << units.status();
  ASSERT_EQ(units->size(), 2u);
  EXPECT_EQ((*units)[0].active_state, "failed");
  EXPECT_EQ((*units)[0].file_state, "masked");
  EXPECT_EQ((*units)[1].active_state, "active");
  EXPECT_EQ((*units)[1].file_state, "enabled");
}

TEST(RecordedBus, AUnitThatWasNotRecordedIsInactiveAndHasNoFile) {
  const auto units = UnitsOf(R"({"systemd": {}})", {"exim4.service"});
  ASSERT_TRUE(units.ok()) << units.status();
  ASSERT_EQ(units->size(), 1u);
  EXPECT_EQ(units->front().active_state, "inactive");
  EXPECT_EQ(units->front().file_state, "");
}

TEST(RecordedBus, NullIsAHostWithoutSystemd) {
  EXPECT_TRUE(absl::IsNotFound(
      UnitsOf(R"({"systemd": null})", {"exim4.service"}).status()));
}

TEST(RecordedBus, WhatTheRecordingLacksIsUnavailableNotMissing) {
  const absl::Status status = UnitsOf("{}", {"exim4.service"}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "the recording has no systemd");
}

TEST(RecordedBus, SystemdOfAnotherFormIsInvalidAndNamed) {
  for (const char* json :
       {R"({"systemd": []})", R"({"systemd": 7})",
        R"({"systemd": {"exim4.service": "active"}})",
        R"({"systemd": {"exim4.service": {"active_state": "active"}}})",
        R"({"systemd": {"exim4.service": {"active_state": "active",
                                          "file_state": null}}})"}) {
    const absl::Status status = BusMistake(json);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << json;
    EXPECT_THAT(std::string(status.message()), HasSubstr("systemd")) << json;
  }
}

TEST(RecordedBus, WhatIsNoJsonObjectIsInvalid) {
  for (const char* json : {"", "{", "[]", "null", "\xff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(BusMistake(json))) << json;
  }
}

TEST(RecordedTimeServers, AnswerWhatTheServerDid) {
  const absl::StatusOr<ServerTime> server = TimeOf(R"({"time_servers": {
      "ntp.example": {"offset_seconds": -0.25, "round_trip_seconds": 0.02,
                      "stratum": 3, "age_seconds": 90}}})");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->offset_seconds, -0.25);
  EXPECT_EQ(server->round_trip_seconds, 0.02);
  EXPECT_EQ(server->stratum, 3);
  EXPECT_EQ(server->age, absl::Seconds(90));
}

TEST(RecordedTimeServers, AnAnswerIsNewUnlessRecordedOtherwise) {
  const absl::StatusOr<ServerTime> server = TimeOf(R"({"time_servers": {
      "ntp.example": {"offset_seconds": 0, "round_trip_seconds": 0,
                      "stratum": 1}}})");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->age, absl::ZeroDuration());
}

TEST(RecordedTimeServers, AnErrorIsUnavailableAndRepeated) {
  const absl::Status status = TimeOf(R"({"time_servers": {
      "ntp.example": {"error": "it does not answer"}}})")
                                  .status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), "it does not answer");
}

TEST(RecordedTimeServers, AnswerForEachNameInItsOrder) {
  const auto servers = RecordedTimeServers::Parse(R"({"time_servers": {
      "a": {"offset_seconds": 1, "round_trip_seconds": 0, "stratum": 1},
      "b": {"offset_seconds": 2, "round_trip_seconds": 0, "stratum": 1}}})");
  ASSERT_TRUE(servers.ok()) << servers.status();
  const auto answers = servers->Ask({"b", "c", "a"});
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0]->offset_seconds, 2);
  EXPECT_EQ(answers[2]->offset_seconds, 1);
  EXPECT_TRUE(absl::IsUnavailable(answers[1].status()));
  EXPECT_EQ(answers[1].status().message(),
            "the recording has no time server c");
}

TEST(RecordedTimeServers, WhatTheRecordingLacksIsUnavailable) {
  EXPECT_TRUE(absl::IsUnavailable(TimeOf("{}").status()));
  EXPECT_TRUE(absl::IsUnavailable(TimeOf(R"({"time_servers": {}})").status()));
}

TEST(RecordedTimeServers, OfAnotherFormAreInvalidAndNamed) {
  for (const char* value :
       {"7", "null", "[]", R"({"a": 7})", R"({"a": null})", R"({"a": {}})",
        R"({"a": {"error": 7}})",
        R"({"a": {"round_trip_seconds": 0, "stratum": 1}})",
        R"({"a": {"offset_seconds": 0, "stratum": 1}})",
        R"({"a": {"offset_seconds": 0, "round_trip_seconds": 0}})",
        R"({"a": {"offset_seconds": "0", "round_trip_seconds": 0,
                  "stratum": 1}})",
        R"({"a": {"offset_seconds": 0, "round_trip_seconds": 0, "stratum": 1,
                  "age_seconds": null}})"}) {
    const absl::Status status =
        TimeServersMistake(absl::StrCat("{\"time_servers\": ", value, "}"));
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << value;
    EXPECT_THAT(std::string(status.message()), HasSubstr("time_servers"))
        << value;
  }
}

TEST(RecordedTimeServers, AStratumThatIsNoWholeNumberWasCutToOne) {
  for (const char* stratum : {"1e300", "2.5", "true"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TimeServersMistake(absl::StrCat(
        R"({"time_servers": {"a": {"offset_seconds": 0, )",
        R"("round_trip_seconds": 0, "stratum": )", stratum, "}}}"))))
        << stratum;
  }
}

TEST(RecordedTimeServers, WhatIsNoJsonObjectIsInvalid) {
  for (const char* json : {"", "{", "[]", "null", "\xff"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TimeServersMistake(json))) << json;
  }
}

}  // namespace
}  // namespace mailcow
