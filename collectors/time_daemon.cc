#include "collectors/time_daemon.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/chrony_conf.h"
#include "collectors/ntp_conf.h"
#include "collectors/requirement.h"
#include "collectors/stop_units.h"
#include "collectors/timesyncd_conf.h"

namespace mailcow {
namespace {

// Red Hat's name is an alias on Debian, of which systemd knows.
constexpr absl::string_view kChronyUnits[] = {"chrony.service",
                                              "chronyd.service"};
constexpr absl::string_view kNtpsecUnits[] = {"ntpsec.service"};
constexpr absl::string_view kNtpUnits[] = {"ntp.service", "ntpd.service"};
constexpr absl::string_view kOpenntpdUnits[] = {"openntpd.service"};
constexpr absl::string_view kTimesyncdUnits[] = {"systemd-timesyncd.service"};

constexpr ProcessMark kChronyProcesses[] = {{"chronyd", ""}};
// All three are called ntpd: the path of the configuration tells them apart, or
// what OpenNTPD says that it does.
constexpr ProcessMark kNtpsecProcesses[] = {{"ntpd", "", "ntpsec"}};
constexpr ProcessMark kNtpProcesses[] = {{"ntpd", ""}};
constexpr ProcessMark kOpenntpdProcesses[] = {
    {"openntpd", ""}, {"ntpd", "", "openntpd"}, {"ntpd", "ntpd:"}};
// The kernel keeps fifteen characters of a name.
constexpr ProcessMark kTimesyncdProcesses[] = {{"systemd-timesyn", ""}};

constexpr absl::string_view kTimesyncdRemedy =
    "write NTP=0.pool.ntp.org 1.pool.ntp.org 2.pool.ntp.org below [Time] in "
    "/etc/systemd/timesyncd.conf, then run systemctl restart "
    "systemd-timesyncd";

constexpr TimeDaemon kDaemons[] = {
    {{"chrony", kChronyUnits, kChronyProcesses},
     ReadChronySources,
     "add pool pool.ntp.org iburst to chrony.conf, then run systemctl restart "
     "chrony",
     true},
    {{"ntpsec", kNtpsecUnits, kNtpsecProcesses},
     ReadNtpsecSources,
     "add pool pool.ntp.org iburst to /etc/ntpsec/ntp.conf, then run systemctl "
     "restart ntpsec"},
    {{"openntpd", kOpenntpdUnits, kOpenntpdProcesses},
     ReadOpenntpdSources,
     "add servers pool.ntp.org to /etc/openntpd/ntpd.conf, then run systemctl "
     "restart openntpd"},
    {{"ntp", kNtpUnits, kNtpProcesses},
     ReadNtpSources,
     "add pool pool.ntp.org iburst to /etc/ntp.conf, then run systemctl "
     "restart ntp"},
    {{"systemd-timesyncd", kTimesyncdUnits, kTimesyncdProcesses},
     ReadTimesyncdSources,
     kTimesyncdRemedy,
     true},
};

// As timedatectl has it: what is starting is on.
bool IsOn(const SystemdUnit& unit) {
  return unit.active_state != "inactive" && unit.active_state != "failed";
}

// An alias has a unit of its own under another name.
bool IsInstalled(const SystemdUnit& unit) {
  return !unit.file_state.empty() && unit.file_state != "alias";
}

std::vector<FoundTimeDaemon> FromUnits(const std::vector<SystemdUnit>& units) {
  std::vector<FoundTimeDaemon> found;
  size_t next = 0;
  for (const TimeDaemon& daemon : kDaemons) {
    for (const absl::string_view name : daemon.service.units) {
      const SystemdUnit& unit = units[next++];
      const bool is_known = !found.empty() && found.back().daemon == &daemon;
      if (!IsOn(unit) && (is_known || !IsInstalled(unit))) continue;
      if (is_known && found.back().is_on) continue;
      // Of two names the one that is on counts.
      if (is_known) found.pop_back();
      found.push_back({.daemon = &daemon,
                       .unit = std::string(name),
                       .is_on = IsOn(unit),
                       .file_state = unit.file_state});
    }
  }
  return found;
}

std::vector<Service> Services() {
  std::vector<Service> services;
  for (const TimeDaemon& daemon : kDaemons) services.push_back(daemon.service);
  return services;
}

absl::StatusOr<std::vector<FoundTimeDaemon>> FromProcesses(const Host& host) {
  const auto processes =
      FindProcessesOf(Services(), host.processes, host.files);
  if (!processes.ok()) return processes.status();
  const bool is_named =
      processes->count("ntpsec") + processes->count("openntpd") > 0;
  std::vector<FoundTimeDaemon> found;
  for (const TimeDaemon& daemon : kDaemons) {
    if (processes->count(std::string(daemon.service.name)) == 0) continue;
    // The mark of the old ntpd fits the others too.
    if (daemon.service.name == "ntp" && is_named) continue;
    found.push_back(
        {.daemon = &daemon, .unit = "", .is_on = true, .file_state = ""});
  }
  return found;
}

std::string TurnOn(const FoundTimeDaemon& found) {
  if (found.daemon->is_timedatectls) return "timedatectl set-ntp true";
  return absl::StrCat("systemctl enable --now ", found.unit);
}

}  // namespace

absl::Span<const TimeDaemon> TimeDaemons() { return kDaemons; }

TimeDaemonsFound FindTimeDaemons(const Host& host) {
  std::vector<std::string> names;
  for (const TimeDaemon& daemon : kDaemons) {
    for (const absl::string_view unit : daemon.service.units) {
      names.emplace_back(unit);
    }
  }
  const absl::StatusOr<std::vector<SystemdUnit>> units = host.bus.Units(names);
  if (absl::IsNotFound(units.status())) {
    return {.daemons = FromProcesses(host), .has_systemd = false};
  }
  return {.daemons = IfKnown(units, FromUnits), .has_systemd = true};
}

std::vector<FoundTimeDaemon> DaemonsThatAreOn(
    const std::vector<FoundTimeDaemon>& daemons) {
  std::vector<FoundTimeDaemon> on;
  std::copy_if(daemons.begin(), daemons.end(), std::back_inserter(on),
               [](const FoundTimeDaemon& found) { return found.is_on; });
  return on;
}

std::string Describe(const std::vector<FoundTimeDaemon>& daemons) {
  std::vector<std::string> all;
  for (const FoundTimeDaemon& found : daemons) {
    all.emplace_back(found.daemon->service.name);
    if (found.unit.empty()) continue;
    absl::StrAppend(&all.back(), " (", found.unit, ", ", found.file_state, ")");
  }
  return absl::StrJoin(all, "; ");
}

std::string TurnOnCommand(const std::vector<FoundTimeDaemon>& daemons) {
  if (daemons.empty()) {
    return "apt-get install systemd-timesyncd, then timedatectl set-ntp true";
  }
  const auto unmasked = std::find_if(
      daemons.begin(), daemons.end(),
      [](const auto& found) { return found.file_state != "masked"; });
  if (unmasked != daemons.end()) return TurnOn(*unmasked);
  return absl::StrCat("systemctl unmask ", daemons.front().unit, " && ",
                      TurnOn(daemons.front()));
}

std::string KeepOneCommand(const std::vector<FoundTimeDaemon>& daemons) {
  std::set<UnitToStop> others;
  for (size_t i = 1; i < daemons.size(); ++i) {
    const FoundTimeDaemon& found = daemons[i];
    if (found.unit.empty()) continue;
    others.insert({found.unit, found.file_state == "generated"});
  }
  return StopUnits(others);
}

}  // namespace mailcow
