#include "collectors/ntp.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/stop_units.h"

namespace mailcow {
namespace {

using Daemons = std::vector<FoundTimeDaemon>;

std::string Describe(const FoundTimeDaemon& found) {
  const std::string name(found.daemon->service.name);
  if (found.unit.empty()) return name;
  return absl::StrCat(name, " (", found.unit, ", ", found.file_state, ")");
}

std::string Describe(const Daemons& daemons) {
  return absl::StrJoin(daemons, "; ",
                       [](std::string* out, const FoundTimeDaemon& found) {
                         absl::StrAppend(out, Describe(found));
                       });
}

// How to turn on what is installed, or what to install.
std::string TurnOn(const NtpFacts& facts) {
  if (!facts.found.has_systemd) return "";
  for (const FoundTimeDaemon& found : *facts.found.daemons) {
    if (found.file_state != "masked") return "timedatectl set-ntp true";
  }
  if (facts.found.daemons->empty()) {
    return "apt-get install systemd-timesyncd, then timedatectl set-ntp true";
  }
  return absl::StrCat("systemctl unmask ", facts.found.daemons->front().unit,
                      " && timedatectl set-ntp true");
}

std::vector<Reading> Enabled(const NtpFacts& facts) {
  if (!facts.found.daemons.ok()) return One(facts.found.daemons.status());
  const Daemons on = DaemonsThatAreOn(*facts.found.daemons);
  if (!on.empty()) return One(1, Describe(on));
  const Daemons& off = *facts.found.daemons;
  Reading reading{.labels = {},
                  .value = 0,
                  .detail = off.empty()
                                ? "there is no time daemon"
                                : absl::StrCat("installed: ", Describe(off)),
                  .remedy = TurnOn(facts)};
  return {reading};
}

std::vector<Reading> DaemonInfo(const NtpFacts& facts) {
  if (!facts.found.daemons.ok()) return One(facts.found.daemons.status());
  std::vector<Reading> readings;
  for (const FoundTimeDaemon& found : DaemonsThatAreOn(*facts.found.daemons)) {
    readings.push_back(
        {.labels = {{"daemon", std::string(found.daemon->service.name)}},
         .value = 1});
  }
  return readings;
}

std::vector<Reading> DaemonCount(const NtpFacts& facts) {
  if (!facts.found.daemons.ok()) return One(facts.found.daemons.status());
  const Daemons on = DaemonsThatAreOn(*facts.found.daemons);
  std::set<UnitToStop> others;
  for (size_t i = 1; i < on.size(); ++i) {
    if (!on[i].unit.empty()) {
      others.insert({on[i].unit, on[i].file_state == "generated"});
    }
  }
  return {{.labels = {},
           .value = static_cast<double>(on.size()),
           .detail = on.size() > 1 ? Describe(on) : "",
           .remedy = StopUnits(others)}};
}

std::string DescribeSources(const TimeSources& sources) {
  std::vector<std::string> parts = sources.servers;
  if (sources.reference_clocks > 0) {
    parts.push_back(
        absl::StrCat(sources.reference_clocks, " reference clocks"));
  }
  return absl::StrJoin(parts, " ");
}

std::vector<Reading> ServersConfigured(const NtpFacts& facts) {
  if (!facts.sources.ok()) return One(facts.sources.status());
  const TimeSources& sources = *facts.sources;
  const double count =
      static_cast<double>(sources.servers.size()) + sources.reference_clocks;
  std::string detail = DescribeSources(sources);
  return {{.labels = {},
           .value = count,
           .detail = count > 0 ? detail : sources.mistake,
           .remedy = sources.remedy}};
}

// One reading for each server that answers. Of the others, Reachable() says why
// they do not.
std::vector<Reading> Each(const NtpFacts& facts, const char* label,
                          double (*number)(const ServerTime&)) {
  std::vector<Reading> readings;
  for (const auto& [server, answer] : facts.answers) {
    if (!answer.ok()) continue;
    readings.push_back({.labels = {{label, server}}, .value = number(*answer)});
  }
  return readings;
}

std::vector<Reading> Reachable(const NtpFacts& facts) {
  std::vector<Reading> readings;
  for (const auto& [server, answer] : facts.answers) {
    readings.push_back({.labels = {{"server", server}},
                        .value = answer.ok() ? 1 : 0,
                        .detail = std::string(answer.status().message())});
  }
  return readings;
}

std::vector<Reading> Offsets(const NtpFacts& facts) {
  std::vector<Reading> readings = {
      {.labels = {{"source", "kernel"}},
       .value = IfKnown(facts.kernel, [](const ClockState& clock) {
         return clock.offset_seconds;
       })}};
  for (Reading& reading : Each(facts, "source", [](const ServerTime& time) {
         return time.offset_seconds;
       })) {
    readings.push_back(std::move(reading));
  }
  return readings;
}

std::string DescribeOffset(double seconds, size_t servers) {
  const absl::Duration offset =
      absl::Trunc(absl::Seconds(std::abs(seconds)), absl::Microseconds(1));
  return absl::StrCat(
      absl::FormatDuration(offset), seconds < 0 ? " ahead of " : " behind ",
      servers == 1 ? "the only server that answers"
                   : absl::StrCat("the median of ", servers, " servers"));
}

std::vector<Reading> Accurate(const NtpFacts& facts) {
  const absl::StatusOr<double> median = MedianOffsetSeconds(facts);
  if (!median.ok()) return One(median.status());
  const auto servers =
      std::count_if(facts.answers.begin(), facts.answers.end(),
                    [](const auto& answer) { return answer.second.ok(); });
  const bool is_accurate = absl::Seconds(std::abs(*median)) < facts.max_offset;
  return One(is_accurate ? 1 : 0,
             DescribeOffset(*median, static_cast<size_t>(servers)));
}

constexpr Rule<NtpFacts> kRules[] = {
    {{.id = "ntp_enabled",
      .required = Yes(),
      .what = "A time daemon is on: chrony, ntpsec, ntpd, openntpd or "
              "systemd-timesyncd",
      .remedy = "install a time daemon, such as chrony, and start it at boot",
      .source = "ListUnitsByNames of systemd; /proc where systemd does not run "
                "the host"},
     Enabled},
    {{.id = "time_daemon_info",
      .unit = Unit::kInfo,
      .what = "The time daemon that is on, in its label",
      .source = "ListUnitsByNames of systemd, /proc"},
     DaemonInfo},
    {{.id = "time_daemons",
      .unit = Unit::kCount,
      .recommended = AtMost(1),
      .what = "Time daemons that are on: two of them pull the clock to and fro",
      .remedy = "stop all but one, and keep them from starting at boot",
      .source = "ListUnitsByNames of systemd, /proc"},
     DaemonCount},
    {{.id = "ntp_servers_configured",
      .unit = Unit::kCount,
      .required = AtLeast(1),
      .what = "Time servers and reference clocks that the configuration of the "
              "time daemon names",
      .remedy =
          "name time servers in the configuration of the time daemon: in NTP= "
          "of /etc/systemd/timesyncd.conf, or after pool in chrony.conf",
      .source =
          "timesyncd.conf, chrony.conf, ntp.conf, ntpd.conf and what they "
          "include"},
     ServersConfigured},
    {{.id = "ntp_server_reachable",
      .what = "The time server answers, and its answer can be used; it is "
              "asked every five minutes by default",
      .source = "SNTP"},
     Reachable},
    {{.id = "ntp_server_stratum",
      .unit = Unit::kCount,
      .what = "How many servers away the time server is from a reference clock",
      .source = "SNTP"},
     [](const NtpFacts& facts) {
       return Each(facts, "server", [](const ServerTime& time) {
         return static_cast<double>(time.stratum);
       });
     }},
    {{.id = "ntp_server_round_trip",
      .unit = Unit::kSeconds,
      .what = "Time that the question and the answer of the time server were "
              "under way",
      .source = "SNTP"},
     [](const NtpFacts& facts) {
       return Each(facts, "server", [](const ServerTime& time) {
         return time.round_trip_seconds;
       });
     }},
    {{.id = "clock_offset",
      .unit = Unit::kSeconds,
      .what = "How far the clock is behind the source; the kernel's is what it "
              "has yet to slew away",
      .source = "SNTP, offset of adjtimex(2)"},
     Offsets},
    {{.id = "clock_accurate",
      .required = Yes(),
      .what = "The clock is less than a second off, by the median of the time "
              "servers that answer",
      .remedy =
          "turn NTP on with timedatectl set-ntp true; chrony sets a clock "
          "that is far off at once with chronyc makestep",
      .source = "SNTP"},
     Accurate},
};

}  // namespace

std::unique_ptr<Collector> MakeNtpCollector(NtpSettings settings) {
  return std::make_unique<RuleCollector<NtpFacts>>(Topic<NtpFacts>{
      .name = "ntp",
      .observe = [settings = std::move(settings)](
                     const Host& host) { return ObserveNtp(host, settings); },
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Minutes(1)}});
}

}  // namespace mailcow
