#include "collectors/interference.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A machine with systemd that runs no mail service.
class InterferenceCollector : public testing::Test {
 protected:
  InterferenceCollector() {
    host_.bus.units.emplace();
    Start(1, "systemd", "/sbin/init");
  }

  void SetUnit(const std::string& name, const std::string& active,
               const std::string& file) {
    host_.bus.units->insert_or_assign(
        name, SystemdUnit{.active_state = active, .file_state = file});
  }
  void RemoveSystemd() { host_.bus.units = absl::NotFoundError("no systemd"); }
  void Start(int pid, const std::string& name, const std::string& command) {
    const std::string directory = absl::StrCat("/proc/", pid);
    host_.root.Write(directory + "/comm", name + "\n");
    host_.root.Write(directory + "/status", absl::StrCat("NSpid:\t", pid));
    host_.root.Write(directory + "/cmdline", command);
  }
  void StartDovecot() { Start(812, "dovecot", "/usr/sbin/dovecot"); }
  // As with hidepid: the processes of others are not listed.
  void HideProcesses() {
    std::filesystem::remove_all(host_.root.At("/proc/1"));
  }
  std::vector<Reading> Measure() {
    return ReadingsOf(host_.CollectWith(*MakeInterferenceCollector()),
                      "mail_service_absent");
  }
  Reading Of(const std::string& service) {
    for (Reading& reading : Measure()) {
      if (reading.labels == Labels{{"service", service}}) return reading;
    }
    std::abort();
  }
  void ExpectEvery(const absl::StatusOr<double>& value) {
    const std::vector<Reading> readings = Measure();
    EXPECT_EQ(readings.size(), 7);
    for (const Reading& reading : readings) {
      EXPECT_EQ(reading.value, value) << reading.labels.front().second;
    }
  }

  FakeHost host_;
};

TEST_F(InterferenceCollector, HostWithoutMailServicesIsMet) { ExpectEvery(1); }

TEST_F(InterferenceCollector, EachServiceHasItsOwnSeries) {
  std::vector<std::string> services;
  for (const Reading& reading : Measure()) {
    services.push_back(reading.labels.front().second);
  }
  EXPECT_THAT(services, ElementsAre("exim4", "postfix", "sendmail", "dovecot",
                                    "courier", "cyrus", "opensmtpd"));
}

TEST_F(InterferenceCollector, UnitThatRunsAndStartsAtBootIsUnmet) {
  SetUnit("exim4.service", "active", "enabled");
  const Reading reading = Of("exim4");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "exim4.service runs and starts at boot");
  EXPECT_EQ(reading.remedy, "systemctl disable --now exim4.service");
  EXPECT_EQ(*Of("postfix").value, 1);
}

TEST_F(InterferenceCollector, UnitThatRunsButIsDisabledIsUnmet) {
  for (const char* active : {"active", "activating", "reloading"}) {
    SetUnit("exim4.service", active, "disabled");
    const Reading reading = Of("exim4");
    EXPECT_EQ(*reading.value, 0) << active;
    EXPECT_EQ(reading.detail, "exim4.service runs") << active;
  }
}

TEST_F(InterferenceCollector, UnitThatStartsAtBootIsUnmetThoughItDoesNotRun) {
  for (const char* file : {"enabled", "enabled-runtime"}) {
    for (const char* active : {"inactive", "failed"}) {
      SetUnit("dovecot.socket", active, file);
      const Reading reading = Of("dovecot");
      EXPECT_EQ(*reading.value, 0) << file;
      EXPECT_EQ(reading.detail, "dovecot.socket starts at boot") << file;
      EXPECT_EQ(reading.remedy, "systemctl disable --now dovecot.socket");
    }
  }
}

TEST_F(InterferenceCollector, UnitThatNeitherRunsNorStartsAtBootIsMet) {
  for (const char* file : {"", "disabled", "masked", "static"}) {
    for (const char* active : {"inactive", "failed", "deactivating"}) {
      SetUnit("exim4.service", active, file);
      EXPECT_EQ(*Of("exim4").value, 1) << active << " " << file;
    }
  }
}

TEST_F(InterferenceCollector, GeneratedUnitStartsAtBootByItsScriptsLink) {
  SetUnit("exim4.service", "inactive", "generated");
  EXPECT_EQ(*Of("exim4").value, 1);
  host_.root.Link("../init.d/exim4", "/etc/rc2.d/K01exim4");
  EXPECT_EQ(*Of("exim4").value, 1);
  host_.root.Link("../init.d/exim4", "/etc/rc2.d/S01exim4");
  const Reading reading = Of("exim4");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "exim4.service starts at boot");
}

// Packages bring a script beside their unit; systemd then heeds the unit alone.
TEST_F(InterferenceCollector, LinkCountsForAGeneratedUnitOnly) {
  host_.root.Link("../init.d/exim4", "/etc/rc2.d/S01exim4");
  for (const char* file : {"", "disabled", "masked"}) {
    SetUnit("exim4.service", "inactive", file);
    EXPECT_EQ(*Of("exim4").value, 1) << file;
  }
}

TEST_F(InterferenceCollector, LinkIsOfTheWholeName) {
  RemoveSystemd();
  for (const char* link :
       {"S01exim4-base", "S1exim4", "S001exim4", "Sexim4", "S01", "X01exim4"}) {
    host_.root.Link("../init.d/x", absl::StrCat("/etc/rc3.d/", link));
  }
  EXPECT_EQ(*Of("exim4").value, 1);
}

TEST_F(InterferenceCollector, AllUnitsOfAServiceAreNamed) {
  SetUnit("dovecot.service", "active", "disabled");
  SetUnit("dovecot.socket", "inactive", "enabled");
  const Reading reading = Of("dovecot");
  EXPECT_EQ(reading.detail,
            "dovecot.service runs; dovecot.socket starts at boot");
  EXPECT_EQ(reading.remedy,
            "systemctl disable --now dovecot.service dovecot.socket");
}

// Debian's exim may be told to run no daemon: its unit has done its work.
TEST_F(InterferenceCollector, UnitThatDidItsWorkAndEndedDoesNotRun) {
  host_.bus.units->insert_or_assign(
      "exim4.service", SystemdUnit{"active", "disabled", "exited"});
  EXPECT_EQ(*Of("exim4").value, 1);
  host_.bus.units->insert_or_assign(
      "exim4.service", SystemdUnit{"active", "disabled", "running"});
  EXPECT_EQ(*Of("exim4").value, 0);
}

TEST_F(InterferenceCollector, InstanceGoesWithItsService) {
  SetUnit("postfix@-.service", "active", "indirect");
  EXPECT_EQ(*Of("postfix").value, 0);
  EXPECT_EQ(Of("postfix").remedy, "");
  SetUnit("postfix.service", "active", "enabled");
  EXPECT_EQ(Of("postfix").remedy, "systemctl disable --now postfix.service");
}

// Postfix's generator enables the instance, whether Postfix is or not.
TEST_F(InterferenceCollector, EnabledInstanceDoesNotStartAtBootByItself) {
  SetUnit("postfix@-.service", "inactive", "enabled-runtime");
  EXPECT_EQ(*Of("postfix").value, 1);
}

// systemctl forgets --now where a script is behind the unit.
TEST_F(InterferenceCollector, GeneratedUnitIsStoppedInACommandOfItsOwn) {
  SetUnit("exim4.service", "active", "generated");
  EXPECT_EQ(Of("exim4").remedy,
            "systemctl disable --now exim4.service && "
            "systemctl stop exim4.service");
}

TEST_F(InterferenceCollector, ProcessThatNoUnitStartedIsUnmet) {
  StartDovecot();
  const Reading reading = Of("dovecot");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "the process dovecot runs");
  EXPECT_EQ(reading.remedy, "");
}

TEST_F(InterferenceCollector, WithSystemdHiddenProcessesDoNotMatter) {
  HideProcesses();
  ExpectEvery(1);
  SetUnit("exim4.service", "active", "enabled");
  EXPECT_EQ(*Of("exim4").value, 0);
}

TEST_F(InterferenceCollector, BusThatFailsMakesEveryServiceUnknown) {
  const absl::Status failure = absl::UnavailableError("no bus");
  host_.bus.units = failure;
  ExpectEvery(failure);
}

TEST_F(InterferenceCollector, ProcessIsUnmetWhateverTheBusSays) {
  host_.bus.units = absl::PermissionDeniedError("the bus refuses");
  StartDovecot();
  EXPECT_EQ(*Of("dovecot").value, 0);
  EXPECT_TRUE(absl::IsPermissionDenied(Of("exim4").value.status()));
}

TEST_F(InterferenceCollector, WithoutSystemdProcessesDecide) {
  RemoveSystemd();
  ExpectEvery(1);
  StartDovecot();
  EXPECT_EQ(*Of("dovecot").value, 0);
  EXPECT_EQ(*Of("exim4").value, 1);
}

TEST_F(InterferenceCollector, WithoutSystemdHiddenProcessesAreUnknown) {
  RemoveSystemd();
  HideProcesses();
  const std::vector<Reading> readings = Measure();
  EXPECT_EQ(readings.size(), 7);
  for (const Reading& reading : readings) {
    EXPECT_TRUE(absl::IsPermissionDenied(reading.value.status()));
  }
}

TEST_F(InterferenceCollector, WithoutSystemdScriptsStartAtBoot) {
  RemoveSystemd();
  for (const char* directory :
       {"/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d"}) {
    const std::string link = absl::StrCat(directory, "/S03exim4");
    host_.root.Link("../init.d/exim4", link);
    const Reading reading = Of("exim4");
    EXPECT_EQ(*reading.value, 0) << directory;
    EXPECT_EQ(reading.detail, "exim4 starts at boot");
    EXPECT_EQ(reading.remedy, "");
    std::filesystem::remove(host_.root.At(link));
  }
}

TEST_F(InterferenceCollector, OnOpenrcTheRunlevelHasTheBareName) {
  RemoveSystemd();
  host_.root.Link("/etc/init.d/postfix", "/etc/runlevels/default/postfix");
  EXPECT_EQ(Of("postfix").detail, "postfix starts at boot");
}

TEST_F(InterferenceCollector, LinksThatCannotBeListedAreUnknown) {
  host_.root.Write("/etc/rc3.d", "no directory");
  EXPECT_FALSE(Of("exim4").value.ok());
  EXPECT_THAT(Of("exim4").value.status().message(), HasSubstr("/etc/rc3.d"));
}

TEST_F(InterferenceCollector, DovecotInAContainerIsNone) {
  StartDovecot();
  host_.root.Write("/proc/812/status", "NSpid:\t812\t1\n");
  EXPECT_EQ(*Of("dovecot").value, 1);
}

TEST(MakeInterferenceCollector, IsRefreshedOffTheScrapePath) {
  const auto cadence = MakeInterferenceCollector()->cadence();
  ASSERT_TRUE(cadence.has_value());
  EXPECT_LT(cadence->every, cadence->allowance);
}

}  // namespace
}  // namespace mailcow
