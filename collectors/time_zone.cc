#include "collectors/time_zone.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/local_time.h"

namespace mailcow {
namespace {

constexpr absl::string_view kLocaltime = "/etc/localtime";

ZoneData Utc() {
  return {.first = {.abbreviation = "UTC"}, .transitions = {}, .rule = {}};
}

bool IsUtc(absl::string_view zone) {
  return zone == "UTC" || absl::EndsWith(zone, "/UTC");
}

// Debian writes the name there too, which tells where /etc/localtime is a copy.
absl::StatusOr<std::string> NameInEtcTimezone(const Files& files) {
  const absl::StatusOr<std::string> text = files.Read("/etc/timezone");
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  const std::string lines = text.value_or("");
  const std::string name(
      absl::StripAsciiWhitespace(lines.substr(0, lines.find('\n'))));
  if (name.empty()) {
    return absl::NotFoundError(absl::StrCat(
        kLocaltime, " is no link to a time zone, and /etc/timezone has none"));
  }
  return name;
}

absl::StatusOr<std::string> ZoneName(const Files& files) {
  const absl::StatusOr<std::string> target = files.ReadLink(kLocaltime);
  if (absl::IsNotFound(target.status())) return "UTC";
  if (absl::IsPermissionDenied(target.status())) return target.status();
  if (!target.ok()) return NameInEtcTimezone(files);
  const std::vector<std::string> parts =
      absl::StrSplit(*target, absl::MaxSplits("/zoneinfo/", 1));
  if (parts.size() == 2 && !parts[1].empty()) return parts[1];
  return absl::DataLossError(absl::StrCat(kLocaltime, " leads to ", *target,
                                          ", which is no time zone's file"));
}

absl::StatusOr<ZoneData> ReadZone(const Files& files,
                                  const absl::StatusOr<std::string>& name) {
  const absl::StatusOr<std::string> bytes = files.Read(kLocaltime);
  if (absl::IsNotFound(bytes.status()) && name.ok()) {
    // The C library needs no file for this one.
    if (IsUtc(*name)) return Utc();
    return absl::NotFoundError(absl::StrCat(
        kLocaltime, " leads to the time zone ", *name, ", which has no file"));
  }
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<ZoneData> zone = ParseTzif(*bytes);
  if (zone.ok()) return zone;
  return absl::Status(zone.status().code(),
                      absl::StrCat(kLocaltime, ": ", zone.status().message()));
}

absl::StatusOr<ZoneState> ReadState(const Files& files,
                                    const absl::StatusOr<std::string>& name,
                                    const absl::StatusOr<absl::Time>& now) {
  const absl::StatusOr<ZoneData> zone = ReadZone(files, name);
  if (!zone.ok()) return zone.status();
  if (!now.ok()) return now.status();
  return StateAt(*zone, absl::ToUnixSeconds(*now));
}

std::vector<Reading> Measure(const TimeZoneFacts& facts,
                             double (*number)(const LocalTimeType&)) {
  return One(IfKnown(facts.state, [number](const ZoneState& state) {
    return number(state.type);
  }));
}

// Both sides of the change, as timedatectl showed them.
std::string Around(const DstChange& change) {
  const absl::Time at = absl::FromUnixSeconds(change.at);
  return absl::StrCat("at ",
                      FormatLocalTime(at - absl::Seconds(1), change.from),
                      ", then ", FormatLocalTime(at, change.to));
}

std::vector<Reading> LastChange(const TimeZoneFacts& facts) {
  if (!facts.state.ok()) return One(facts.state.status());
  const auto& change = facts.state->last_change;
  if (!change.has_value()) return {};
  return One(static_cast<double>(change->at),
             absl::StrCat("DST ", change->to.is_dst ? "began " : "ended ",
                          Around(*change)));
}

std::vector<Reading> NextChange(const TimeZoneFacts& facts) {
  if (!facts.state.ok()) return One(facts.state.status());
  const auto& change = facts.state->next_change;
  if (!change.has_value()) return {};
  const bool is_forward =
      change->to.utc_offset_seconds > change->from.utc_offset_seconds;
  return One(
      static_cast<double>(change->at),
      absl::StrCat("DST ", change->to.is_dst ? "begins" : "ends",
                   " (the clock jumps ", is_forward ? "forward" : "backwards",
                   ") ", Around(*change)));
}

constexpr Rule<TimeZoneFacts> kRules[] = {
    {{.id = "time_zone_info",
      .unit = Unit::kInfo,
      .what = "The host's time zone, in its label",
      .source = "/etc/localtime, /etc/timezone"},
     [](const TimeZoneFacts& facts) -> std::vector<Reading> {
       if (!facts.name.ok()) return One(facts.name.status());
       return {{.labels = {{"zone", *facts.name}}, .value = 1}};
     }},
    {{.id = "time_zone_offset",
      .unit = Unit::kSeconds,
      .what = "How far local time is ahead of universal time",
      .source = "/etc/localtime"},
     [](const TimeZoneFacts& facts) {
       auto readings = Measure(facts, [](const LocalTimeType& type) {
         return static_cast<double>(type.utc_offset_seconds);
       });
       if (facts.state.ok()) {
         readings.front().detail = facts.state->type.abbreviation;
       }
       return readings;
     }},
    {{.id = "dst_active",
      .what = "Daylight saving time is in force",
      .source = "/etc/localtime"},
     [](const TimeZoneFacts& facts) {
       return Measure(facts, [](const LocalTimeType& type) {
         return type.is_dst ? 1.0 : 0.0;
       });
     }},
    {{.id = "dst_last_change",
      .unit = Unit::kTimestamp,
      .what = "When daylight saving time last began or ended, if it ever did",
      .source = "/etc/localtime"},
     LastChange},
    {{.id = "dst_next_change",
      .unit = Unit::kTimestamp,
      .what = "When daylight saving time next begins or ends, if it will",
      .source = "/etc/localtime"},
     NextChange},
};

}  // namespace

TimeZoneFacts ObserveTimeZone(const Files& files,
                              const absl::StatusOr<absl::Time>& now) {
  absl::StatusOr<std::string> name = ZoneName(files);
  absl::StatusOr<ZoneState> state = ReadState(files, name, now);
  return {.name = std::move(name), .state = std::move(state)};
}

std::unique_ptr<Collector> MakeTimeZoneCollector() {
  return std::make_unique<RuleCollector<TimeZoneFacts>>(Topic<TimeZoneFacts>{
      .name = "time_zone",
      .observe =
          [](const Host& host) {
            return ObserveTimeZone(host.files, host.kernel.Now());
          },
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Minutes(1)}});
}

}  // namespace mailcow
