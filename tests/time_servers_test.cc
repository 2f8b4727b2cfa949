#include "collectors/time_servers.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A machine with systemd on which no time daemon is installed.
class TimeServersCollector : public testing::Test {
 protected:
  TimeServersCollector() { host_.bus.units.emplace(); }

  void TurnOn(const std::string& unit) {
    host_.bus.units->insert_or_assign(
        unit, SystemdUnit{.active_state = "active", .file_state = "enabled"});
  }
  void TurnOnTimesyncd(const std::string& servers) {
    TurnOn("systemd-timesyncd.service");
    host_.root.Write("/etc/systemd/timesyncd.conf",
                     "[Time]\nNTP=" + servers + "\n");
  }
  // Asks servers of which each says that the clock is so far behind.
  void Answer(const std::vector<double>& offsets) {
    for (size_t i = 0; i < offsets.size(); ++i) {
      const std::string server = absl::StrCat("s", i);
      settings_.servers.push_back(server);
      host_.time_servers.answers.insert_or_assign(
          server, ServerTime{.offset_seconds = offsets[i], .stratum = 2});
    }
  }
  void AnswerNothing(const std::string& server, const std::string& reason) {
    settings_.servers.push_back(server);
    host_.time_servers.answers.insert_or_assign(server,
                                                absl::DataLossError(reason));
  }

  Collected Collect() {
    return host_.CollectWith(MakeTimeServersCollector(settings_));
  }
  std::vector<Reading> All(const std::string& id) {
    return ReadingsOf(Collect(), id);
  }
  Reading Only(const std::string& id) {
    const std::vector<Reading> readings = All(id);
    EXPECT_EQ(readings.size(), 1u) << id;
    return readings.empty()
               ? Reading{.labels = {}, .value = absl::NotFoundError(id)}
               : readings.front();
  }
  std::vector<std::string> Subjects(const std::string& id) {
    std::vector<std::string> subjects;
    for (const Reading& reading : All(id)) {
      subjects.push_back(reading.labels.front().second);
    }
    return subjects;
  }

  FakeHost host_;
  TimeServerSettings settings_;
};

TEST_F(TimeServersCollector, AsksForAnAccurateClock) {
  const auto collector = MakeTimeServersCollector({});
  EXPECT_EQ(collector->topic(), "time_servers");
  EXPECT_TRUE(collector->cadence().has_value());
  EXPECT_EQ(RequirementOf(*collector, "clock_accurate").required->limit(), 1);
}

TEST_F(TimeServersCollector, FilesThatOthersLeftNameNoServers) {
  TurnOnTimesyncd("a");
  host_.root.Write("/etc/ntp.conf", "server left\n");
  EXPECT_THAT(Subjects("ntp_server_reachable"), ElementsAre("a"));
}

TEST_F(TimeServersCollector, ConfigurationThatCannotBeReadNamesNoServers) {
  TurnOn("chrony.service");
  host_.root.MakeDirectory("/etc/chrony/chrony.conf");
  EXPECT_THAT(All("ntp_server_reachable"), IsEmpty());
  const absl::Status status = Only("clock_accurate").value.status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/etc/chrony/chrony.conf"));
}

TEST_F(TimeServersCollector, WhileTheBusIsSilentAllThatAreNamedAreAsked) {
  TurnOnTimesyncd("a");
  host_.root.Write("/etc/ntp.conf", "server left\n");
  host_.bus.units = absl::DeadlineExceededError("systemd is silent");
  EXPECT_THAT(Subjects("ntp_server_reachable"), ElementsAre("left", "a"));
}

TEST_F(TimeServersCollector, NoMoreThanSixteenAreAsked) {
  for (int i = 0; i < 17; ++i)
    settings_.servers.push_back(absl::StrCat("s", i));
  EXPECT_EQ(All("ntp_server_reachable").size(), 16u);
}

TEST_F(TimeServersCollector, ServersThatAreConfiguredAreAsked) {
  TurnOnTimesyncd("a b");
  host_.time_servers.answers = {{"a", ServerTime{.offset_seconds = 0.25,
                                                 .round_trip_seconds = 0.0625,
                                                 .stratum = 3}}};
  const std::vector<Reading> reachable = All("ntp_server_reachable");
  ASSERT_EQ(reachable.size(), 2u);
  EXPECT_EQ(reachable[0].labels, (Labels{{"server", "a"}}));
  EXPECT_EQ(*reachable[0].value, 1);
  EXPECT_EQ(reachable[0].detail, "");
  EXPECT_EQ(reachable[1].labels, (Labels{{"server", "b"}}));
  EXPECT_EQ(*reachable[1].value, 0);
  EXPECT_EQ(reachable[1].detail, "it does not answer");
}

TEST_F(TimeServersCollector, EachServerThatAnswersHasItsNumbers) {
  TurnOnTimesyncd("a b");
  host_.time_servers.answers = {{"b", ServerTime{.offset_seconds = 0.25,
                                                 .round_trip_seconds = 0.0625,
                                                 .stratum = 3}}};
  const Reading stratum = Only("ntp_server_stratum");
  EXPECT_EQ(stratum.labels, (Labels{{"server", "b"}}));
  EXPECT_EQ(*stratum.value, 3);
  const Reading trip = Only("ntp_server_round_trip");
  EXPECT_EQ(trip.labels, (Labels{{"server", "b"}}));
  EXPECT_EQ(*trip.value, 0.0625);
}

TEST_F(TimeServersCollector, ServersOfTheOptionAreAskedInstead) {
  TurnOnTimesyncd("a b");
  settings_.servers = {"c", "c:123", "d:11123"};
  EXPECT_THAT(Subjects("ntp_server_reachable"), ElementsAre("c", "d:11123"));
}

TEST_F(TimeServersCollector,
       ServersOfTheOptionAreAskedThoughNothingElseIsKnown) {
  host_.bus.units = absl::DeadlineExceededError("systemd is silent");
  host_.root.MakeDirectory("/etc/chrony/chrony.conf");
  Answer({0.25});
  EXPECT_EQ(*Only("clock_accurate").value, 1);
}

TEST_F(TimeServersCollector, OffsetsSayTheirSourceAndTheKernelComesFirst) {
  TurnOnTimesyncd("a b");
  host_.kernel.clock = ClockState{.offset_seconds = 0.5};
  host_.time_servers.answers = {{"a", ServerTime{.offset_seconds = -0.25}}};
  const std::vector<Reading> offsets = All("clock_offset");
  EXPECT_THAT(Subjects("clock_offset"), ElementsAre("kernel", "a"));
  EXPECT_EQ(offsets[0].labels.front().first, "source");
  EXPECT_EQ(*offsets[0].value, 0.5);
  EXPECT_EQ(offsets[1].labels.front().first, "source");
  EXPECT_EQ(*offsets[1].value, -0.25);
}

TEST_F(TimeServersCollector, KernelThatDoesNotTellIsUnknown) {
  EXPECT_TRUE(absl::IsUnavailable(Only("clock_offset").value.status()));
}

TEST_F(TimeServersCollector, FindingsAreAsOldAsTheOldestAnswer) {
  settings_.servers = {"a", "b", "c", "d"};
  host_.time_servers.answers = {{"a", ServerTime{.age = absl::Seconds(20)}},
                                {"b", ServerTime{.age = absl::Seconds(200)}},
                                {"c", ServerTime{.age = absl::Seconds(100)}}};
  EXPECT_EQ(Collect().age, absl::Seconds(200));
  host_.time_servers.answers.clear();
  EXPECT_EQ(Collect().age, absl::ZeroDuration());
}

TEST_F(TimeServersCollector, ClockIsAccurateBelowOneSecond) {
  for (const double offset : {0.0, 0.999, -0.999}) {
    settings_ = {};
    Answer({offset});
    EXPECT_EQ(*Only("clock_accurate").value, 1) << offset;
  }
  for (const double offset : {1.0, 1.001, -1.0, -1.001, 3600.0}) {
    settings_ = {};
    Answer({offset});
    EXPECT_EQ(*Only("clock_accurate").value, 0) << offset;
  }
}

TEST_F(TimeServersCollector, LimitIsThatOfTheOption) {
  Answer({2});
  settings_.max_offset = absl::Milliseconds(2001);
  EXPECT_EQ(*Only("clock_accurate").value, 1);
  settings_.max_offset = absl::Seconds(2);
  EXPECT_EQ(*Only("clock_accurate").value, 0);
}

TEST_F(TimeServersCollector, LimitIsKnownThoughNoServerAnswers) {
  settings_.max_offset = absl::Milliseconds(250);
  const Reading limit = Only("clock_offset_limit");
  EXPECT_EQ(*limit.value, 0.25);
  EXPECT_THAT(limit.labels, ElementsAre(testing::Pair("level", "required")));
}

TEST_F(TimeServersCollector, DetailSaysWhichWayTheClockIsOff) {
  Answer({2.5});
  EXPECT_EQ(Only("clock_accurate").detail,
            "2.5s behind the only server that answers");
  settings_ = {};
  Answer({-2.5});
  EXPECT_EQ(Only("clock_accurate").detail,
            "2.5s ahead of the only server that answers");
}

TEST_F(TimeServersCollector, DetailIsExactToTheMicrosecond) {
  Answer({-0.0012345678});
  EXPECT_EQ(Only("clock_accurate").detail,
            "1.234ms ahead of the only server that answers");
}

TEST_F(TimeServersCollector, DetailCountsTheServersThatAnswer) {
  Answer({0.25, 0.25, 0.25});
  AnswerNothing("x", "no answer");
  EXPECT_EQ(Only("clock_accurate").detail,
            "250ms behind the median of 3 servers");
}

TEST_F(TimeServersCollector, OneLiarAmongThreeDoesNotTurnTheMedian) {
  Answer({0.25, 86400, 0.5});
  const Reading reading = Only("clock_accurate");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "500ms behind the median of 3 servers");
  settings_ = {};
  Answer({-86400, 0.25, 0.5});
  EXPECT_EQ(Only("clock_accurate").detail,
            "250ms behind the median of 3 servers");
}

TEST_F(TimeServersCollector, TwoThatAgreeOutvoteTheThird) {
  Answer({2.5, 0.25, 3});
  EXPECT_EQ(*Only("clock_accurate").value, 0);
}

TEST_F(TimeServersCollector,
       OfAnEvenNumberTheMedianIsBetweenTheTwoInTheMiddle) {
  Answer({1.5, 0.25});
  EXPECT_EQ(Only("clock_accurate").detail,
            "875ms behind the median of 2 servers");
  settings_ = {};
  Answer({-1.5, 1.5});
  EXPECT_EQ(*Only("clock_accurate").value, 1);
  settings_ = {};
  Answer({100, 0.5, 0.25, -100});
  EXPECT_EQ(Only("clock_accurate").detail,
            "375ms behind the median of 4 servers");
}

TEST_F(TimeServersCollector, ServersThatFailDoNotCountInTheMedian) {
  Answer({0.25});
  AnswerNothing("x", "no answer");
  AnswerNothing("y", "no answer");
  EXPECT_EQ(Only("clock_accurate").detail,
            "250ms behind the only server that answers");
}

TEST_F(TimeServersCollector, WithoutAnAnswerAccuracyIsUnknownForEveryReason) {
  AnswerNothing("x", "its stratum is 16");
  AnswerNothing("y", "its answer is 12 bytes long");
  const absl::Status status = Only("clock_accurate").value.status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "no time server gives a useful answer: x: its stratum is 16; y: "
            "its answer is 12 bytes long");
}

TEST_F(TimeServersCollector, WithoutAServerAccuracyIsUnknown) {
  const absl::Status status = Only("clock_accurate").value.status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("no time server is known"), HasSubstr("--ntp.server")));
}

TEST_F(TimeServersCollector, ServerOfTwoNamesCountsOnce) {
  Answer({0.25, 86400, 86400});
  for (const char* name : {"s1", "s2"}) {
    host_.time_servers.answers[name]->address = "192.0.2.1 port 123";
  }
  EXPECT_EQ(Only("clock_accurate").detail,
            "12h0.125s behind the median of 2 servers");
}

TEST_F(TimeServersCollector, WhatWentWrongOnOurSideTellsNothingOfTheServer) {
  settings_.servers = {"a", "b"};
  host_.time_servers.answers = {
      {"a", absl::InternalError("socket: too many open files")},
      {"b", absl::AbortedError("our clock was set while it was asked")}};
  for (const Reading& reading : All("ntp_server_reachable")) {
    EXPECT_FALSE(reading.value.ok()) << reading.labels.front().second;
  }
}

TEST_F(TimeServersCollector, HostThatIsCalledKernelIsNotTheKernel) {
  settings_.servers = {"kernel"};
  host_.time_servers.answers = {{"kernel", ServerTime{.offset_seconds = 1}}};
  EXPECT_THAT(Subjects("clock_offset"), ElementsAre("kernel", "kernel:123"));
}

TEST_F(TimeServersCollector, ClockThatIsOffIsSetByTheDaemonThatIsOn) {
  TurnOn("chrony.service");
  Answer({5});
  EXPECT_EQ(Only("clock_accurate").remedy,
            "systemctl restart chrony.service; journalctl -u chrony.service "
            "tells why it did not set the clock");
  host_.bus.units.emplace();
  EXPECT_EQ(Only("clock_accurate").remedy, "");
}

}  // namespace
}  // namespace mailcow
