#include "collectors/rtc.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/local_time.h"
#include "collectors/time_zone.h"

namespace mailcow {
namespace {

constexpr absl::string_view kDirectory = "/sys/class/rtc";

// The clock that the kernel set its own by, or else the first; empty where
// there is none.
absl::StatusOr<std::string> ChooseClock(const Files& files) {
  absl::StatusOr<std::vector<std::string>> names = files.List(kDirectory);
  if (absl::IsNotFound(names.status())) return "";
  if (!names.ok()) return names.status();
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    const auto sets_kernel =
        files.Read(absl::StrCat(kDirectory, "/", name, "/hctosys"));
    if (sets_kernel.value_or("") == "1\n") return name;
  }
  return names->empty() ? "" : names->front();
}

absl::StatusOr<absl::Time> ReadClock(const Files& files,
                                     const absl::StatusOr<std::string>& name) {
  if (!name.ok()) return name.status();
  if (name->empty()) return absl::NotFoundError("there is none");
  const std::string path = absl::StrCat(kDirectory, "/", *name, "/since_epoch");
  // A chip whose battery is empty has no time to tell.
  const absl::StatusOr<std::string> text = files.Read(path);
  if (!text.ok()) return absl::UnavailableError(text.status().message());
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(*text, &seconds)) {
    return absl::DataLossError(absl::StrCat(path, " is not a number"));
  }
  return absl::FromUnixSeconds(seconds);
}

absl::StatusOr<bool> IsInLocalTimeZone(const Files& files) {
  const absl::StatusOr<std::string> text = files.Read("/etc/adjtime");
  if (absl::IsNotFound(text.status())) return false;
  if (!text.ok()) return text.status();
  return ParseAdjtime(*text);
}

// What the chip shows, as universal time.
absl::StatusOr<absl::Time> UniversalTime(const RtcFacts& facts) {
  if (!facts.in_local_time_zone.ok()) return facts.in_local_time_zone.status();
  if (!*facts.in_local_time_zone) return *facts.time;
  if (!facts.utc_offset_seconds.ok()) return facts.utc_offset_seconds.status();
  return *facts.time - absl::Seconds(*facts.utc_offset_seconds);
}

std::vector<Reading> Offset(const RtcFacts& facts) {
  if (absl::IsNotFound(facts.time.status())) return {};
  if (!facts.time.ok()) return One(facts.time.status());
  // As it stands in the chip, whatever zone that is of.
  const std::string shown = FormatLocalTime(*facts.time, LocalTimeType());
  const absl::StatusOr<absl::Time> universal = UniversalTime(facts);
  if (!universal.ok()) return One(universal.status(), shown);
  return One(
      IfKnown(facts.now,
              [&universal](absl::Time now) {
                return static_cast<double>(absl::ToUnixSeconds(*universal) -
                                           absl::ToUnixSeconds(now));
              }),
      shown);
}

constexpr Rule<RtcFacts> kRules[] = {
    {{.id = "rtc_present",
      .what =
          "The host has a real-time clock, which keeps the time while it is "
          "off",
      .source = "/sys/class/rtc"},
     [](const RtcFacts& facts) { return One(AsNumber(facts.is_present)); }},
    {{.id = "rtc_offset",
      .unit = Unit::kSeconds,
      .what = "How far the real-time clock is ahead of the system's, in whole "
              "seconds",
      .source = "/sys/class/rtc, /etc/adjtime"},
     Offset},
    {{.id = "rtc_in_local_time_zone",
      .recommended = AtMost(0),
      .what = "The real-time clock keeps local time, which is ambiguous when "
              "daylight saving time ends",
      .remedy = "timedatectl set-local-rtc 0",
      .source = "/etc/adjtime"},
     [](const RtcFacts& facts) {
       return One(AsNumber(facts.in_local_time_zone));
     }},
};

RtcFacts Observe(const Host& host) {
  const absl::StatusOr<std::string> name = ChooseClock(host.files);
  absl::StatusOr<absl::Time> time = ReadClock(host.files, name);
  const absl::StatusOr<absl::Time> now = host.kernel.Now();
  const auto offset_of = [](const ZoneState& state) {
    return static_cast<double>(state.type.utc_offset_seconds);
  };
  return {.is_present = IfKnown(
              name, [](const std::string& clock) { return !clock.empty(); }),
          .time = std::move(time),
          .now = now,
          .in_local_time_zone = IsInLocalTimeZone(host.files),
          .utc_offset_seconds =
              IfKnown(ObserveTimeZone(host.files, now).state, offset_of)};
}

}  // namespace

absl::StatusOr<bool> ParseAdjtime(absl::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  // hwclock takes a file that ends before for one that says UTC.
  const absl::string_view word =
      lines.size() < 3 ? "" : absl::StripAsciiWhitespace(lines[2]);
  if (word == "LOCAL") return true;
  if (word == "UTC" || word.empty()) return false;
  return absl::DataLossError("line 3 of /etc/adjtime is neither UTC nor LOCAL");
}

std::unique_ptr<Collector> MakeRtcCollector() {
  return std::make_unique<RuleCollector<RtcFacts>>(Topic<RtcFacts>{
      .name = "rtc",
      .observe = Observe,
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Minutes(1)}});
}

}  // namespace mailcow
