#include "collectors/ntp.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/daemon_sources.h"

namespace mailcow {
namespace {

using Daemons = std::vector<FoundTimeDaemon>;

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
                  .remedy = facts.found.has_systemd ? TurnOnCommand(off) : ""};
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
  return {{.labels = {},
           .value = static_cast<double>(on.size()),
           .detail = on.size() > 1 ? Describe(on) : "",
           .remedy = KeepOneCommand(on)}};
}

// How to name a server to the daemon that is on, or at least installed.
std::string HowToNameOne(const NtpFacts& facts) {
  const Daemons known = facts.found.daemons.value_or(Daemons());
  const Daemons on = DaemonsThatAreOn(known);
  if (!on.empty()) return std::string(on.front().daemon->remedy);
  return known.empty() ? "" : std::string(known.front().daemon->remedy);
}

std::string DescribeSources(const TimeSources& sources) {
  std::vector<std::string> parts = sources.servers;
  if (sources.reference_clocks > 0) {
    parts.push_back(
        absl::StrCat(sources.reference_clocks, sources.reference_clocks == 1
                                                   ? " reference clock"
                                                   : " reference clocks"));
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
           .detail = count > 0 ? detail : sources.why_none,
           .remedy = HowToNameOne(facts)}};
}

std::vector<Reading> ConfigurationCurrent(const NtpFacts& facts) {
  if (!facts.sources.ok()) return One(facts.sources.status());
  return {{.labels = {},
           .value = facts.sources->outdated.empty() ? 1 : 0,
           .detail = facts.sources->outdated,
           .remedy = facts.sources->update}};
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
    {{.id = "ntp_configuration_current",
      .recommended = Yes(),
      .what =
          "The configuration of the time daemon calls its servers by a name "
          "that is documented",
      .remedy = "write NTP= instead of Servers= in timesyncd.conf",
      .source = "timesyncd.conf and its drop-ins"},
     ConfigurationCurrent},
};

NtpFacts Observe(const Host& host) {
  TimeDaemonsFound found = FindTimeDaemons(host);
  absl::StatusOr<TimeSources> sources = found.daemons.status().ok()
                                            ? ReadSourcesOf(found, host.files)
                                            : found.daemons.status();
  return {.found = std::move(found), .sources = std::move(sources)};
}

}  // namespace

std::unique_ptr<Collector> MakeNtpCollector() {
  return std::make_unique<RuleCollector<NtpFacts>>(Topic<NtpFacts>{
      .name = "ntp",
      .observe = Observe,
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Minutes(1)}});
}

}  // namespace mailcow
