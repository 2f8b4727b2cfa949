#include "collectors/time_servers.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/daemon_sources.h"
#include "collectors/time_server.h"

namespace mailcow {
namespace {

// Nobody's daemon needs more, and each that is silent costs a thread.
constexpr size_t kMaxServers = 16;

constexpr char kKernel[] = "kernel";

// One reading for each server that answers. Of the others, Reachable() says why
// they do not.
std::vector<Reading> Each(const TimeServersFacts& facts, const char* label,
                          double (*number)(const ServerTime&)) {
  std::vector<Reading> readings;
  for (const auto& [server, answer] : facts.answers) {
    if (!answer.ok()) continue;
    readings.push_back({.labels = {{label, server}}, .value = number(*answer)});
  }
  return readings;
}

std::vector<Reading> Reachable(const TimeServersFacts& facts) {
  std::vector<Reading> readings;
  for (const auto& [server, answer] : facts.answers) {
    Reading& reading = readings.emplace_back(
        Reading{.labels = {{"server", server}}, .value = answer.ok() ? 1 : 0});
    // What went wrong on our side tells nothing of the server.
    if (absl::IsInternal(answer.status()) || absl::IsAborted(answer.status())) {
      reading.value = answer.status();
    } else {
      reading.detail = std::string(answer.status().message());
    }
  }
  return readings;
}

std::vector<Reading> Offsets(const TimeServersFacts& facts) {
  std::vector<Reading> readings = {
      {.labels = {{"source", kKernel}},
       .value = IfKnown(facts.kernel, [](const ClockState& clock) {
         return clock.offset_seconds;
       })}};
  for (Reading& reading : Each(facts, "source", [](const ServerTime& time) {
         return time.offset_seconds;
       })) {
    // A host of that name is not the kernel.
    std::string& source = reading.labels.front().second;
    if (source == kKernel) absl::StrAppend(&source, ":", kNtpPort);
    readings.push_back(std::move(reading));
  }
  return readings;
}

// Every daemon that steps a clock does so when it starts.
std::string HowToSetIt(const TimeServersFacts& facts) {
  const auto on = DaemonsThatAreOn(
      facts.found.daemons.value_or(std::vector<FoundTimeDaemon>()));
  if (on.empty() || on.front().unit.empty()) return "";
  const std::string& unit = on.front().unit;
  return absl::StrCat("systemctl restart ", unit, "; journalctl -u ", unit,
                      " tells why it did not set the clock");
}

std::string DescribeOffset(double seconds, size_t servers) {
  const absl::Duration offset =
      absl::Trunc(absl::Seconds(std::abs(seconds)), absl::Microseconds(1));
  return absl::StrCat(
      absl::FormatDuration(offset), seconds < 0 ? " ahead of " : " behind ",
      servers == 1 ? "the only server that answers"
                   : absl::StrCat("the median of ", servers, " servers"));
}

std::vector<Reading> Accurate(const TimeServersFacts& facts) {
  const absl::StatusOr<double> median = MedianOffsetSeconds(facts);
  if (!median.ok()) return One(median.status());
  const bool is_accurate = absl::Seconds(std::abs(*median)) < facts.max_offset;
  return {{.labels = {},
           .value = is_accurate ? 1 : 0,
           .detail = DescribeOffset(*median, OffsetsSeconds(facts).size()),
           .remedy = HowToSetIt(facts)}};
}

constexpr Rule<TimeServersFacts> kRules[] = {
    {{.id = "ntp_server_reachable",
      .what = "The time server answers, and its answer can be used, as it "
              "last did; it is asked every five minutes by default",
      .source = "SNTP"},
     Reachable},
    {{.id = "ntp_server_stratum",
      .unit = Unit::kCount,
      .what = "How many servers away the time server is from a reference "
              "clock, as it last said",
      .source = "SNTP"},
     [](const TimeServersFacts& facts) {
       return Each(facts, "server", [](const ServerTime& time) {
         return static_cast<double>(time.stratum);
       });
     }},
    {{.id = "ntp_server_round_trip",
      .unit = Unit::kSeconds,
      .what = "Time that the question and the answer of the time server were "
              "under way, when it was last asked",
      .source = "SNTP"},
     [](const TimeServersFacts& facts) {
       return Each(facts, "server", [](const ServerTime& time) {
         return time.round_trip_seconds;
       });
     }},
    {{.id = "clock_offset",
      .unit = Unit::kSeconds,
      .what = "How far the clock is behind the source, as that last said; "
              "the kernel's is what it has yet to slew away",
      .source = "SNTP, offset of adjtimex(2)"},
     Offsets},
    {{.id = "clock_offset_limit",
      .unit = Unit::kSeconds,
      .what = "How far off the clock may be and still be accurate "
              "(--ntp.max-offset)",
      .source = "--ntp.max-offset"},
     [](const TimeServersFacts& facts) -> std::vector<Reading> {
       return {{.labels = {{"level", std::string(Name(Level::kRequired))}},
                .value = absl::ToDoubleSeconds(facts.max_offset)}};
     }},
    {{.id = "clock_accurate",
      .required = Yes(),
      .what = "The clock is less than a second off (--ntp.max-offset), by the "
              "median of what the time servers last said",
      .remedy = "turn NTP on with timedatectl set-ntp true",
      .source = "SNTP"},
     Accurate},
};

absl::StatusOr<std::vector<std::string>> ServersToAsk(
    const Files& files, const TimeDaemonsFound& found,
    const TimeServerSettings& settings) {
  TimeSources named;
  for (const std::string& server : settings.servers) named.AddServer(server);
  if (named.servers.empty()) {
    absl::StatusOr<TimeSources> configured = ReadSourcesOf(found, files);
    if (!configured.ok()) return configured.status();
    named = *std::move(configured);
  }
  named.servers.resize(std::min(named.servers.size(), kMaxServers));
  return named.servers;
}

TimeServersFacts Observe(const Host& host, const TimeServerSettings& settings) {
  TimeServersFacts facts{.found = FindTimeDaemons(host),
                         .unknown_servers = absl::OkStatus(),
                         .answers = {},
                         .kernel = host.kernel.Adjtimex(),
                         .max_offset = settings.max_offset,
                         .age = absl::ZeroDuration()};
  const absl::StatusOr<std::vector<std::string>> servers =
      ServersToAsk(host.files, facts.found, settings);
  if (!servers.ok()) {
    facts.unknown_servers = servers.status();
    return facts;
  }
  std::vector<absl::StatusOr<ServerTime>> answers =
      host.time_servers.Ask(*servers);
  for (size_t i = 0; i < servers->size(); ++i) {
    if (answers[i].ok()) facts.age = std::max(facts.age, answers[i]->age);
    facts.answers.emplace_back((*servers)[i], std::move(answers[i]));
  }
  return facts;
}

}  // namespace

std::vector<double> OffsetsSeconds(const TimeServersFacts& facts) {
  std::vector<double> offsets;
  std::set<std::string> addresses;
  for (const auto& [server, answer] : facts.answers) {
    if (!answer.ok()) continue;
    const bool is_known =
        !answer->address.empty() && !addresses.insert(answer->address).second;
    if (!is_known) offsets.push_back(answer->offset_seconds);
  }
  return offsets;
}

absl::StatusOr<double> MedianOffsetSeconds(const TimeServersFacts& facts) {
  std::vector<double> offsets = OffsetsSeconds(facts);
  std::vector<std::string> reasons;
  for (const auto& [server, answer] : facts.answers) {
    if (answer.ok()) continue;
    reasons.push_back(absl::StrCat(server, ": ", answer.status().message()));
  }
  if (!facts.unknown_servers.ok()) return facts.unknown_servers;
  if (facts.answers.empty()) {
    return absl::UnavailableError(
        "no time server is known to ask; --ntp.server names one");
  }
  if (offsets.empty()) {
    return absl::UnavailableError(
        absl::StrCat("no time server gives a useful answer: ",
                     absl::StrJoin(reasons, "; ")));
  }
  std::sort(offsets.begin(), offsets.end());
  const size_t middle = offsets.size() / 2;
  if (offsets.size() % 2 == 1) return offsets[middle];
  return (offsets[middle - 1] + offsets[middle]) / 2;
}

std::unique_ptr<Collector> MakeTimeServersCollector(
    TimeServerSettings settings) {
  return std::make_unique<RuleCollector<TimeServersFacts>>(
      Topic<TimeServersFacts>{
          .name = "time_servers",
          .observe = [settings = std::move(settings)](
                         const Host& host) { return Observe(host, settings); },
          .rules = kRules,
          .cadence = Cadence{.every = absl::Seconds(15),
                             .allowance = absl::Minutes(1)}});
}

}  // namespace mailcow
