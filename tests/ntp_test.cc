#include "collectors/ntp.h"

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
class NtpCollector : public testing::Test {
 protected:
  NtpCollector() { host_.bus.units.emplace(); }

  void SetUnit(const std::string& name, const std::string& active,
               const std::string& file) {
    host_.bus.units->insert_or_assign(
        name, SystemdUnit{.active_state = active, .file_state = file});
  }
  void TurnOnTimesyncd(const std::string& servers) {
    SetUnit("systemd-timesyncd.service", "active", "enabled");
    host_.root.Write("/etc/systemd/timesyncd.conf",
                     "[Time]\nNTP=" + servers + "\n");
  }
  void TurnOnChrony(const std::string& servers) {
    SetUnit("chrony.service", "active", "enabled");
    host_.root.Write("/etc/chrony/chrony.conf", servers);
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
    return host_.CollectWith(*MakeNtpCollector(settings_));
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
  NtpSettings settings_;
};

TEST_F(NtpCollector, AsksWhatMailcowsPageRequires) {
  const auto collector = MakeNtpCollector({});
  EXPECT_EQ(collector->topic(), "ntp");
  EXPECT_TRUE(collector->cadence().has_value());
  for (const char* id : {"ntp_enabled", "clock_accurate"}) {
    EXPECT_EQ(RequirementOf(*collector, id).required->limit(), 1) << id;
  }
  EXPECT_EQ(
      RequirementOf(*collector, "ntp_servers_configured").required->limit(), 1);
}

TEST_F(NtpCollector, DaemonThatIsOnIsNamed) {
  SetUnit("chrony.service", "active", "enabled");
  const Reading enabled = Only("ntp_enabled");
  EXPECT_EQ(*enabled.value, 1);
  EXPECT_EQ(enabled.detail, "chrony (chrony.service, enabled)");
  const Reading info = Only("time_daemon_info");
  EXPECT_EQ(*info.value, 1);
  EXPECT_EQ(info.labels, (Labels{{"daemon", "chrony"}}));
}

TEST_F(NtpCollector, DaemonThatIsOffIsTurnedOn) {
  SetUnit("systemd-timesyncd.service", "inactive", "disabled");
  const Reading reading = Only("ntp_enabled");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail,
            "installed: systemd-timesyncd (systemd-timesyncd.service, "
            "disabled)");
  EXPECT_EQ(reading.remedy, "timedatectl set-ntp true");
  EXPECT_THAT(All("time_daemon_info"), IsEmpty());
}

TEST_F(NtpCollector, DaemonThatIsMaskedIsUnmaskedFirst) {
  SetUnit("systemd-timesyncd.service", "inactive", "masked");
  const Reading reading = Only("ntp_enabled");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.remedy,
            "systemctl unmask systemd-timesyncd.service && timedatectl "
            "set-ntp true");
}

TEST_F(NtpCollector, OneThatIsNotMaskedIsTurnedOnRather) {
  SetUnit("chrony.service", "inactive", "masked");
  SetUnit("systemd-timesyncd.service", "failed", "enabled");
  const Reading reading = Only("ntp_enabled");
  EXPECT_EQ(reading.remedy, "timedatectl set-ntp true");
  EXPECT_EQ(reading.detail,
            "installed: chrony (chrony.service, masked); systemd-timesyncd "
            "(systemd-timesyncd.service, enabled)");
}

// timedatectl knows what /usr/lib/systemd/ntp-units.d lists: chrony and
// systemd-timesyncd.
TEST_F(NtpCollector, DaemonThatTimedatectlDoesNotKnowIsTurnedOnBySystemctl) {
  for (const char* unit :
       {"ntpsec.service", "openntpd.service", "ntp.service"}) {
    host_.bus.units.emplace();
    SetUnit(unit, "inactive", "disabled");
    EXPECT_EQ(Only("ntp_enabled").remedy,
              absl::StrCat("systemctl enable --now ", unit));
  }
}

TEST_F(NtpCollector, WithoutADaemonOneIsInstalled) {
  const Reading reading = Only("ntp_enabled");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "there is no time daemon");
  EXPECT_EQ(reading.remedy,
            "apt-get install systemd-timesyncd, then timedatectl set-ntp true");
}

TEST_F(NtpCollector, WithoutSystemdTheRemedyIsTheGeneralOne) {
  host_.bus.units = absl::NotFoundError("no systemd");
  host_.root.Write("/proc/1/comm", "init\n");
  const Reading reading = Only("ntp_enabled");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.remedy, "");
}

TEST_F(NtpCollector, WithoutSystemdTheProcessIsNamed) {
  host_.bus.units = absl::NotFoundError("no systemd");
  host_.root.Write("/proc/1/comm", "init\n");
  host_.root.Write("/proc/812/comm", "chronyd\n");
  host_.root.Write("/proc/812/status", "NSpid:\t812\n");
  EXPECT_EQ(*Only("ntp_enabled").value, 1);
  EXPECT_EQ(Only("ntp_enabled").detail, "chrony");
  EXPECT_EQ(Only("time_daemons").remedy, "");
}

TEST_F(NtpCollector, SilentBusIsUnknownAndNeverOff) {
  const absl::Status silent = absl::DeadlineExceededError("systemd is silent");
  host_.bus.units = silent;
  for (const char* id : {"ntp_enabled", "time_daemon_info", "time_daemons"}) {
    EXPECT_EQ(Only(id).value.status(), silent) << id;
  }
}

TEST_F(NtpCollector, OneDaemonIsEnough) {
  EXPECT_EQ(*Only("time_daemons").value, 0);
  SetUnit("chrony.service", "active", "enabled");
  SetUnit("ntpsec.service", "inactive", "disabled");
  const Reading reading = Only("time_daemons");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "");
  EXPECT_EQ(reading.remedy, "");
  const auto collector = MakeNtpCollector({});
  const Requirement& requirement = RequirementOf(*collector, "time_daemons");
  EXPECT_FALSE(requirement.required.has_value());
  EXPECT_EQ(Judge(*requirement.recommended, 1), Verdict::kMet);
  EXPECT_EQ(Judge(*requirement.recommended, 2), Verdict::kUnmet);
}

TEST_F(NtpCollector, OfTwoDaemonsAllButTheOneToKeepAreStopped) {
  SetUnit("systemd-timesyncd.service", "active", "enabled");
  SetUnit("chrony.service", "active", "enabled");
  const Reading two = Only("time_daemons");
  EXPECT_EQ(*two.value, 2);
  EXPECT_EQ(two.detail,
            "chrony (chrony.service, enabled); systemd-timesyncd "
            "(systemd-timesyncd.service, enabled)");
  EXPECT_EQ(two.remedy, "systemctl disable --now systemd-timesyncd.service");
  SetUnit("ntp.service", "active", "generated");
  const Reading three = Only("time_daemons");
  EXPECT_EQ(*three.value, 3);
  EXPECT_EQ(three.remedy,
            "systemctl disable --now ntp.service systemd-timesyncd.service && "
            "systemctl stop ntp.service");
  EXPECT_EQ(All("time_daemon_info").size(), 3u);
}

TEST_F(NtpCollector, ServersOfTheDaemonThatIsOnAreConfigured) {
  TurnOnTimesyncd("0.pool.ntp.org 1.pool.ntp.org");
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 2);
  EXPECT_EQ(reading.detail, "0.pool.ntp.org 1.pool.ntp.org");
}

TEST_F(NtpCollector, FilesThatOthersLeftDoNotCount) {
  TurnOnChrony("driftfile /var/lib/chrony/chrony.drift\n");
  SetUnit("systemd-timesyncd.service", "inactive", "disabled");
  host_.root.Write("/etc/systemd/timesyncd.conf", "[Time]\nNTP=left\n");
  host_.root.Write("/etc/ntp.conf", "server left\n");
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "");
  EXPECT_THAT(reading.remedy, HasSubstr("chrony.conf"));
  EXPECT_THAT(Subjects("ntp_server_reachable"), IsEmpty());
}

TEST_F(NtpCollector, DaemonThatIsOffHasItsServersConfigured) {
  SetUnit("systemd-timesyncd.service", "inactive", "disabled");
  host_.root.Write("/etc/systemd/timesyncd.conf", "[Time]\nNTP=a\n");
  host_.root.Write("/etc/ntp.conf", "server left\n");
  EXPECT_EQ(Only("ntp_servers_configured").detail, "a");
}

TEST_F(NtpCollector, WithoutADaemonTheGeneralRemedyStands) {
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.remedy, "");
}

TEST_F(NtpCollector, ServersOfTwoDaemonsAreAddedUp) {
  TurnOnTimesyncd("a b");
  TurnOnChrony("server b\nserver c\nrefclock SHM 0\nrefclock SHM 1\n");
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 5);
  EXPECT_EQ(reading.detail, "b c a 2 reference clocks");
}

TEST_F(NtpCollector, OneReferenceClockIsNotSaidToBeMany) {
  TurnOnChrony("refclock SHM 0\n");
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "1 reference clock");
}

TEST_F(NtpCollector, OldKeyOfTimesyncdIsNamedWithWhatToWriteInstead) {
  SetUnit("systemd-timesyncd.service", "active", "enabled");
  host_.root.Write("/etc/systemd/timesyncd.conf",
                   "[Time]\nServers=0.pool.ntp.org 1.pool.ntp.org\n");
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail,
            "/etc/systemd/timesyncd.conf has the key Servers=, which systemd "
            "ignores");
  EXPECT_THAT(reading.remedy,
              AllOf(HasSubstr("NTP=0.pool.ntp.org 1.pool.ntp.org"),
                    HasSubstr("systemctl restart systemd-timesyncd")));
}

TEST_F(NtpCollector, TimesyncdWithoutServersIsToldHowToNameThem) {
  TurnOnTimesyncd("");
  const Reading reading = Only("ntp_servers_configured");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_THAT(reading.remedy, HasSubstr("/etc/systemd/timesyncd.conf"));
}

TEST_F(NtpCollector, ConfigurationThatCannotBeReadIsUnknown) {
  SetUnit("chrony.service", "active", "enabled");
  host_.root.MakeDirectory("/etc/chrony/chrony.conf");
  EXPECT_TRUE(absl::IsDataLoss(Only("ntp_servers_configured").value.status()));
  EXPECT_THAT(All("ntp_server_reachable"), IsEmpty());
  EXPECT_EQ(*Only("ntp_enabled").value, 1);
}

TEST_F(NtpCollector, ServersThatAreConfiguredAreAsked) {
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

TEST_F(NtpCollector, EachAnswerHasItsNumbers) {
  TurnOnTimesyncd("a b");
  host_.time_servers.answers = {{"a", ServerTime{.offset_seconds = 0.25,
                                                 .round_trip_seconds = 0.0625,
                                                 .stratum = 3}}};
  const std::vector<Reading> strata = All("ntp_server_stratum");
  const std::vector<Reading> trips = All("ntp_server_round_trip");
  ASSERT_EQ(strata.size(), 2u);
  ASSERT_EQ(trips.size(), 2u);
  EXPECT_EQ(strata[0].labels, (Labels{{"server", "a"}}));
  EXPECT_EQ(*strata[0].value, 3);
  EXPECT_EQ(trips[0].labels, (Labels{{"server", "a"}}));
  EXPECT_EQ(*trips[0].value, 0.0625);
  EXPECT_TRUE(absl::IsDeadlineExceeded(strata[1].value.status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(trips[1].value.status()));
}

TEST_F(NtpCollector, ServersOfTheOptionAreAskedInstead) {
  TurnOnTimesyncd("a b");
  settings_.servers = {"c", "c:123", "d:11123"};
  EXPECT_THAT(Subjects("ntp_server_reachable"), ElementsAre("c", "d:11123"));
  EXPECT_EQ(Only("ntp_servers_configured").detail, "a b");
}

TEST_F(NtpCollector, ServersOfTheOptionAreAskedThoughNothingElseIsKnown) {
  host_.bus.units = absl::DeadlineExceededError("systemd is silent");
  host_.root.MakeDirectory("/etc/chrony/chrony.conf");
  Answer({0.25});
  EXPECT_EQ(*Only("clock_accurate").value, 1);
}

TEST_F(NtpCollector, OffsetsSayTheirSourceAndTheKernelComesFirst) {
  TurnOnTimesyncd("a b");
  host_.kernel.clock = ClockState{.offset_seconds = 0.5};
  host_.time_servers.answers = {{"a", ServerTime{.offset_seconds = -0.25}}};
  const std::vector<Reading> offsets = All("clock_offset");
  EXPECT_THAT(Subjects("clock_offset"), ElementsAre("kernel", "a", "b"));
  EXPECT_EQ(offsets[0].labels.front().first, "source");
  EXPECT_EQ(*offsets[0].value, 0.5);
  EXPECT_EQ(offsets[1].labels.front().first, "source");
  EXPECT_EQ(*offsets[1].value, -0.25);
  EXPECT_TRUE(absl::IsDeadlineExceeded(offsets[2].value.status()));
}

TEST_F(NtpCollector, KernelThatDoesNotTellIsUnknown) {
  EXPECT_TRUE(absl::IsUnavailable(Only("clock_offset").value.status()));
}

TEST_F(NtpCollector, FindingsAreAsOldAsTheOldestAnswer) {
  settings_.servers = {"a", "b", "c", "d"};
  host_.time_servers.answers = {{"a", ServerTime{.age = absl::Seconds(20)}},
                                {"b", ServerTime{.age = absl::Seconds(200)}},
                                {"c", ServerTime{.age = absl::Seconds(100)}}};
  EXPECT_EQ(Collect().age, absl::Seconds(200));
  host_.time_servers.answers.clear();
  EXPECT_EQ(Collect().age, absl::ZeroDuration());
}

TEST_F(NtpCollector, ClockIsAccurateBelowOneSecond) {
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

TEST_F(NtpCollector, LimitIsThatOfTheOption) {
  Answer({2});
  settings_.max_offset = absl::Milliseconds(2001);
  EXPECT_EQ(*Only("clock_accurate").value, 1);
  settings_.max_offset = absl::Seconds(2);
  EXPECT_EQ(*Only("clock_accurate").value, 0);
}

TEST_F(NtpCollector, DetailSaysWhichWayTheClockIsOff) {
  Answer({2.5});
  EXPECT_EQ(Only("clock_accurate").detail,
            "2.5 s behind the only server that answers");
  settings_ = {};
  Answer({-2.5});
  EXPECT_EQ(Only("clock_accurate").detail,
            "2.5 s ahead of the only server that answers");
}

TEST_F(NtpCollector, DetailCountsTheServersThatAnswer) {
  Answer({0.25, 0.25, 0.25});
  AnswerNothing("x", "no answer");
  EXPECT_EQ(Only("clock_accurate").detail,
            "0.25 s behind the median of 3 servers");
}

TEST_F(NtpCollector, OneLiarAmongThreeDoesNotTurnTheMedian) {
  Answer({0.25, 86400, 0.5});
  const Reading reading = Only("clock_accurate");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "0.5 s behind the median of 3 servers");
  settings_ = {};
  Answer({-86400, 0.25, 0.5});
  EXPECT_EQ(Only("clock_accurate").detail,
            "0.25 s behind the median of 3 servers");
}

TEST_F(NtpCollector, TwoThatAgreeOutvoteTheThird) {
  Answer({2.5, 0.25, 3});
  EXPECT_EQ(*Only("clock_accurate").value, 0);
}

TEST_F(NtpCollector, OfAnEvenNumberTheMedianIsBetweenTheTwoInTheMiddle) {
  Answer({1.5, 0.25});
  EXPECT_EQ(Only("clock_accurate").detail,
            "0.875 s behind the median of 2 servers");
  settings_ = {};
  Answer({-1.5, 1.5});
  EXPECT_EQ(*Only("clock_accurate").value, 1);
  settings_ = {};
  Answer({100, 0.5, 0.25, -100});
  EXPECT_EQ(Only("clock_accurate").detail,
            "0.375 s behind the median of 4 servers");
}

TEST_F(NtpCollector, ServersThatFailDoNotCountInTheMedian) {
  Answer({0.25});
  AnswerNothing("x", "no answer");
  AnswerNothing("y", "no answer");
  EXPECT_EQ(Only("clock_accurate").detail,
            "0.25 s behind the only server that answers");
}

TEST_F(NtpCollector, WithoutAnAnswerAccuracyIsUnknownForEveryReason) {
  AnswerNothing("x", "its stratum is 16");
  AnswerNothing("y", "its answer is 12 bytes long");
  const absl::Status status = Only("clock_accurate").value.status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "no time server gives a useful answer: x: its stratum is 16; y: "
            "its answer is 12 bytes long");
}

TEST_F(NtpCollector, WithoutAServerAccuracyIsUnknown) {
  const absl::Status status = Only("clock_accurate").value.status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("no time server is known"), HasSubstr("--ntp.server")));
}

}  // namespace
}  // namespace mailcow
