#include "collectors/time_daemon.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Each as "name (unit, on)", or "name (unit, off, file state)".
std::vector<std::string> Described(const TimeDaemonsFound& found) {
  EXPECT_TRUE(found.daemons.ok()) << found.daemons.status();
  if (!found.daemons.ok()) return {"unknown"};
  std::vector<std::string> daemons;
  for (const FoundTimeDaemon& each : *found.daemons) {
    daemons.push_back(absl::StrCat(
        each.daemon->service.name, " (", each.unit,
        each.is_on ? ", on" : absl::StrCat(", off, ", each.file_state), ")"));
  }
  return daemons;
}

TimeDaemonsFound FindOn(const FakeHost& host) {
  const Files files = host.root.files();
  return FindTimeDaemons({.files = files,
                          .kernel = host.kernel,
                          .docker = host.docker,
                          .bus = host.bus,
                          .time_servers = host.time_servers,
                          .dns = host.dns,
                          .processes = ProcessNames(files)});
}

TEST(TimeDaemons, ThatAreToBeKeptComeFirst) {
  std::vector<std::string> names;
  for (const TimeDaemon& daemon : TimeDaemons()) {
    names.emplace_back(daemon.service.name);
    EXPECT_FALSE(daemon.service.units.empty()) << daemon.service.name;
    EXPECT_FALSE(daemon.service.processes.empty()) << daemon.service.name;
  }
  EXPECT_THAT(names, ElementsAre("chrony", "ntpsec", "openntpd", "ntp",
                                 "systemd-timesyncd"));
}

TEST(TimeDaemons, EachReadsItsOwnConfigurationAndNamesItInItsRemedy) {
  FakeHost host;
  host.root.Write("/etc/chrony/chrony.conf", "server chrony\n");
  host.root.Write("/etc/ntpsec/ntp.conf", "server ntpsec\n");
  host.root.Write("/etc/openntpd/ntpd.conf", "server openntpd\n");
  host.root.Write("/etc/ntp.conf", "server ntp\n");
  host.root.Write("/etc/systemd/timesyncd.conf",
                  "[Time]\nNTP=systemd-timesyncd\n");
  for (const TimeDaemon& daemon : TimeDaemons()) {
    const std::string name(daemon.service.name);
    const auto sources = daemon.read_sources(host.root.files());
    ASSERT_TRUE(sources.ok()) << name;
    EXPECT_THAT(sources->servers, ElementsAre(name));
    EXPECT_THAT(std::string(daemon.remedy),
                testing::HasSubstr("systemctl restart " + name));
  }
}

// A machine that systemd runs.
class UnitsOfTimeDaemons : public testing::Test {
 protected:
  UnitsOfTimeDaemons() { host_.bus.units.emplace(); }

  void SetUnit(const std::string& name, const std::string& active,
               const std::string& file) {
    host_.bus.units->insert_or_assign(
        name, SystemdUnit{.active_state = active, .file_state = file});
  }
  std::vector<std::string> Find() { return Described(FindOn(host_)); }

  FakeHost host_;
};

TEST_F(UnitsOfTimeDaemons, HostWithoutAnyHasNone) {
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_TRUE(FindOn(host_).has_systemd);
}

TEST_F(UnitsOfTimeDaemons, EachUnitIsOfItsDaemon) {
  const std::pair<const char*, const char*> kUnits[] = {
      {"chrony.service", "chrony"},
      {"chronyd.service", "chrony"},
      {"ntpsec.service", "ntpsec"},
      {"openntpd.service", "openntpd"},
      {"ntp.service", "ntp"},
      {"ntpd.service", "ntp"},
      {"systemd-timesyncd.service", "systemd-timesyncd"}};
  for (const auto& [unit, daemon] : kUnits) {
    host_.bus.units.emplace();
    SetUnit(unit, "active", "enabled");
    EXPECT_THAT(Find(), ElementsAre(absl::StrCat(daemon, " (", unit, ", on)")));
  }
}

TEST_F(UnitsOfTimeDaemons, WhatIsNeitherInactiveNorFailedIsOn) {
  for (const char* active :
       {"active", "activating", "reloading", "deactivating"}) {
    SetUnit("ntpsec.service", active, "disabled");
    EXPECT_THAT(Find(), ElementsAre("ntpsec (ntpsec.service, on)")) << active;
  }
  for (const char* active : {"inactive", "failed"}) {
    SetUnit("ntpsec.service", active, "enabled");
    EXPECT_THAT(Find(), ElementsAre("ntpsec (ntpsec.service, off, enabled)"));
  }
}

TEST_F(UnitsOfTimeDaemons, UnitOfWhichThereIsAFileIsInstalled) {
  for (const char* file :
       {"enabled", "disabled", "masked", "static", "generated", "bad"}) {
    SetUnit("chrony.service", "inactive", file);
    EXPECT_THAT(Find(), ElementsAre(absl::StrCat(
                            "chrony (chrony.service, off, ", file, ")")));
  }
  SetUnit("chrony.service", "inactive", "");
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(UnitsOfTimeDaemons, UnitThatIsOnCountsWithoutAFile) {
  SetUnit("chrony.service", "active", "");
  EXPECT_THAT(Find(), ElementsAre("chrony (chrony.service, on)"));
}

// Debian's ntpsec is called ntp and ntpd as well.
TEST_F(UnitsOfTimeDaemons, AliasIsNoSecondDaemon) {
  SetUnit("ntpsec.service", "active", "enabled");
  SetUnit("ntp.service", "inactive", "alias");
  SetUnit("ntpd.service", "inactive", "alias");
  EXPECT_THAT(Find(), ElementsAre("ntpsec (ntpsec.service, on)"));
}

TEST_F(UnitsOfTimeDaemons, BothNamesOfChronyAreOne) {
  SetUnit("chrony.service", "active", "enabled");
  SetUnit("chronyd.service", "active", "alias");
  EXPECT_THAT(Find(), ElementsAre("chrony (chrony.service, on)"));
}

// A script of old may be left over beside the unit that is used.
TEST_F(UnitsOfTimeDaemons, SecondNameThatIsOnIsNotHiddenByOneThatIsOff) {
  SetUnit("ntp.service", "inactive", "generated");
  SetUnit("ntpd.service", "active", "enabled");
  EXPECT_THAT(Find(), ElementsAre("ntp (ntpd.service, on)"));
}

TEST_F(UnitsOfTimeDaemons, AllAreFoundInTheOrderOfTheTable) {
  SetUnit("systemd-timesyncd.service", "active", "enabled");
  SetUnit("openntpd.service", "inactive", "disabled");
  SetUnit("chronyd.service", "active", "enabled");
  EXPECT_THAT(Find(), ElementsAre("chrony (chronyd.service, on)",
                                  "openntpd (openntpd.service, off, disabled)",
                                  "systemd-timesyncd "
                                  "(systemd-timesyncd.service, on)"));
}

TEST_F(UnitsOfTimeDaemons, ProcessesDoNotCountBesideThem) {
  host_.root.Write("/proc/1/comm", "systemd\n");
  host_.root.Write("/proc/812/comm", "chronyd\n");
  host_.root.Write("/proc/812/status", "NSpid:\t812\n");
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(UnitsOfTimeDaemons, SilentBusIsUnknownWhateverRuns) {
  host_.root.Write("/proc/1/comm", "systemd\n");
  for (const absl::Status& failure :
       {absl::DeadlineExceededError("systemd is silent on the system bus"),
        absl::PermissionDeniedError("the bus is not for us"),
        absl::UnavailableError("there is no system bus")}) {
    host_.bus.units = failure;
    const TimeDaemonsFound found = FindOn(host_);
    EXPECT_EQ(found.daemons.status(), failure);
    EXPECT_TRUE(found.has_systemd);
  }
}

// A machine without systemd.
class ProcessesOfTimeDaemons : public testing::Test {
 protected:
  ProcessesOfTimeDaemons() { Start(1, "init", "/sbin/init "); }

  // In `command_line` a blank stands for the zero byte.
  void Start(int pid, const std::string& name, const std::string& command_line,
             const std::string& numbers_inside = "") {
    const std::string directory = absl::StrCat("/proc/", pid);
    host_.root.Write(directory + "/comm", name + "\n");
    host_.root.Write(directory + "/status",
                     absl::StrCat("NSpid:\t", pid, numbers_inside, "\n"));
    host_.root.Write(
        directory + "/cmdline",
        absl::StrReplaceAll(command_line, {{" ", absl::string_view("\0", 1)}}));
  }
  std::vector<std::string> Find() { return Described(FindOn(host_)); }

  FakeHost host_;
};

TEST_F(ProcessesOfTimeDaemons, HostWithoutAnyHasNone) {
  EXPECT_THAT(Find(), IsEmpty());
  EXPECT_FALSE(FindOn(host_).has_systemd);
}

TEST_F(ProcessesOfTimeDaemons, ThatRunAreOn) {
  Start(812, "chronyd", "/usr/sbin/chronyd -F 1 ");
  Start(813, "systemd-timesyn", "/usr/lib/systemd/systemd-timesyncd ");
  EXPECT_THAT(Find(), ElementsAre("chrony (, on)", "systemd-timesyncd (, on)"));
}

TEST_F(ProcessesOfTimeDaemons, NtpsecGoesByThePathOfItsConfiguration) {
  Start(812, "ntpd",
        "/usr/sbin/ntpd -p /run/ntpd.pid -c /etc/ntpsec/ntp.conf -g -N "
        "-u ntpsec:ntpsec ");
  EXPECT_THAT(Find(), ElementsAre("ntpsec (, on)"));
}

TEST_F(ProcessesOfTimeDaemons, OpenntpdGoesByItsPathNameOrTitle) {
  for (const char* command_line : {"/usr/sbin/ntpd -f /etc/openntpd/ntpd.conf ",
                                   "ntpd: ntp engine", "ntpd: dns engine"}) {
    Start(812, "ntpd", command_line);
    EXPECT_THAT(Find(), ElementsAre("openntpd (, on)")) << command_line;
  }
  Start(812, "openntpd", "/usr/sbin/openntpd -d ");
  EXPECT_THAT(Find(), ElementsAre("openntpd (, on)"));
}

TEST_F(ProcessesOfTimeDaemons, NtpdWithoutAnotherMarkIsTheOneOfOld) {
  Start(812, "ntpd", "/usr/sbin/ntpd -p /var/run/ntpd.pid -g -u 107:115 ");
  EXPECT_THAT(Find(), ElementsAre("ntp (, on)"));
}

TEST_F(ProcessesOfTimeDaemons, OneDaemonOfManyProcessesIsOne) {
  Start(812, "ntpd", "/usr/sbin/ntpd -f /etc/openntpd/ntpd.conf ");
  Start(813, "ntpd", "ntpd: ntp engine");
  Start(814, "ntpd", "ntpd: dns engine");
  EXPECT_THAT(Find(), ElementsAre("openntpd (, on)"));
}

TEST_F(ProcessesOfTimeDaemons, OtherProgramsAreNone) {
  Start(812, "ntpdate", "/usr/sbin/ntpdate pool.ntp.org ");
  Start(813, "bash", "bash -c chronyd ");
  Start(814, "chronyd-watch", "/usr/bin/chronyd-watch ");
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(ProcessesOfTimeDaemons, InContainersAreLeftOut) {
  Start(812, "chronyd", "/usr/sbin/chronyd -x ", "\t1");
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(ProcessesOfTimeDaemons, AreUnknownWhereProcHidesThem) {
  std::filesystem::remove_all(host_.root.At("/proc/1"));
  Start(812, "chronyd", "/usr/sbin/chronyd ");
  const TimeDaemonsFound found = FindOn(host_);
  EXPECT_TRUE(absl::IsPermissionDenied(found.daemons.status()));
  EXPECT_FALSE(found.has_systemd);
}

}  // namespace
}  // namespace mailcow
