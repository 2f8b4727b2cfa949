#include "collectors/ntp.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

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
  Collected Collect() { return host_.CollectWith(MakeNtpCollector()); }
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
  FakeHost host_;
};

TEST_F(NtpCollector, AsksWhatMailcowsPageRequires) {
  const auto collector = MakeNtpCollector();
  EXPECT_EQ(collector->topic(), "ntp");
  EXPECT_TRUE(collector->cadence().has_value());
  for (const char* id : {"ntp_enabled", "ntp_servers_configured"}) {
    EXPECT_EQ(RequirementOf(*collector, id).required->limit(), 1) << id;
  }
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

// timedatectl knows what /usr/lib/systemd/ntp-units.d lists.
TEST_F(NtpCollector, DaemonThatTimedatectlDoesNotKnowIsTurnedOnBySystemctl) {
  for (const char* unit :
       {"ntpsec.service", "openntpd.service", "ntp.service"}) {
    host_.bus.units.emplace();
    SetUnit(unit, "inactive", "disabled");
    EXPECT_EQ(Only("ntp_enabled").remedy,
              absl::StrCat("systemctl enable --now ", unit));
    SetUnit(unit, "inactive", "masked");
    EXPECT_EQ(Only("ntp_enabled").remedy,
              absl::StrCat("systemctl unmask ", unit,
                           " && systemctl enable --now ", unit));
  }
  SetUnit("chrony.service", "inactive", "disabled");
  EXPECT_EQ(Only("ntp_enabled").remedy, "timedatectl set-ntp true");
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
  const auto collector = MakeNtpCollector();
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

TEST_F(NtpCollector, WhatIsNotInstalledIsNotSaidToAskServers) {
  EXPECT_EQ(Only("ntp_servers_configured").detail, "");
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

TEST_F(NtpCollector, OldNameOfTimesyncdsKeyCountsAndHasARemedy) {
  SetUnit("systemd-timesyncd.service", "active", "enabled");
  host_.root.Write("/etc/systemd/timesyncd.conf", "[Time]\nServers=a b\n");
  EXPECT_EQ(*Only("ntp_servers_configured").value, 2);
  const Reading reading = Only("ntp_configuration_current");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail,
            "/etc/systemd/timesyncd.conf calls NTP= by its old name, Servers=");
  EXPECT_EQ(reading.remedy,
            "in /etc/systemd/timesyncd.conf, write NTP= instead of Servers=, "
            "then run systemctl restart systemd-timesyncd");
}

TEST_F(NtpCollector, ConfigurationWithoutTheOldNameIsCurrent) {
  TurnOnTimesyncd("a");
  const Reading reading = Only("ntp_configuration_current");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "");
}

TEST_F(NtpCollector, WhatIsLeftOverDoesNotCountWhileTheBusIsSilent) {
  const absl::Status silent = absl::DeadlineExceededError("systemd is silent");
  host_.bus.units = silent;
  host_.root.Write("/etc/chrony/chrony.conf", "server left\n");
  EXPECT_EQ(Only("ntp_servers_configured").value.status(), silent);
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
  EXPECT_EQ(*Only("ntp_enabled").value, 1);
}

}  // namespace
}  // namespace mailcow
