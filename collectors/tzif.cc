#include "collectors/tzif.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace mailcow {
namespace {

constexpr absl::string_view kMagic = "TZif";
constexpr size_t kHeaderSize = 44;

// The signed big-endian number that `bytes` are.
int64_t ToNumber(absl::string_view bytes) {
  int64_t number = static_cast<unsigned char>(bytes[0]) < 0x80 ? 0 : -1;
  for (const char byte : bytes) {
    number = number * 256 + static_cast<unsigned char>(byte);
  }
  return number;
}

// How many there are of each part of a block, in the header's order.
struct Counts {
  uint64_t ut_indicators;
  uint64_t standard_indicators;
  uint64_t leap_seconds;
  uint64_t transitions;
  uint64_t types;
  uint64_t characters;
};

Counts ReadCounts(absl::string_view header) {
  constexpr size_t kFirst = 20;
  const auto at = [header](size_t index) {
    const auto number = ToNumber(header.substr(kFirst + index * 4, 4));
    return static_cast<uint64_t>(number) & 0xffffffff;
  };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

constexpr size_t kTypeSize = 6;

uint64_t SizeOf(const Counts& counts, size_t time_size) {
  return counts.transitions * (time_size + 1) + counts.types * kTypeSize +
         counts.characters + counts.leap_seconds * (time_size + 4) +
         counts.standard_indicators + counts.ut_indicators;
}

absl::Status CutShort() {
  return absl::DataLossError("the time zone's file is cut short");
}

// One type: its offset, whether it is daylight saving time, and where its name
// begins among the characters.
absl::StatusOr<LocalTimeType> ReadType(absl::string_view bytes,
                                       absl::string_view characters) {
  const auto name_at = static_cast<unsigned char>(bytes[5]);
  if (name_at >= characters.size()) {
    return absl::DataLossError("a type of the time zone's file has no name");
  }
  const absl::string_view name = characters.substr(name_at);
  return LocalTimeType{
      .utc_offset_seconds = ToNumber(bytes.substr(0, 4)),
      .is_dst = bytes[4] != 0,
      .abbreviation = std::string(name.substr(0, name.find('\0')))};
}

absl::StatusOr<ZoneData> ReadBlock(absl::string_view block,
                                   const Counts& counts, size_t time_size) {
  const absl::string_view times = block;
  const absl::string_view indices =
      block.substr(counts.transitions * time_size);
  const absl::string_view types = indices.substr(counts.transitions);
  const absl::string_view characters =
      types.substr(counts.types * kTypeSize, counts.characters);
  if (counts.types == 0) {
    return absl::DataLossError("the time zone's file has no types");
  }
  if (counts.leap_seconds != 0) {
    return absl::UnimplementedError("the time zone counts leap seconds");
  }
  std::vector<LocalTimeType> known;
  for (size_t i = 0; i < counts.types; ++i) {
    auto type = ReadType(types.substr(i * kTypeSize, kTypeSize), characters);
    if (!type.ok()) return type.status();
    known.push_back(*std::move(type));
  }
  ZoneData zone{.first = known.front(), .transitions = {}, .rule = {}};
  for (size_t i = 0; i < counts.transitions; ++i) {
    const int64_t at = ToNumber(times.substr(i * time_size, time_size));
    const auto index = static_cast<unsigned char>(indices[i]);
    if (index >= known.size()) {
      return absl::DataLossError("the time zone's file lacks a type");
    }
    if (!zone.transitions.empty() && at <= zone.transitions.back().at) {
      return absl::DataLossError("the time zone's changes are out of order");
    }
    zone.transitions.push_back({at, known[index]});
  }
  return zone;
}

// What the rule says of the years around `now`, as far as the file's own
// transitions do not.
std::vector<Transition> RuledTransitions(const ZoneData& zone, int64_t now) {
  std::vector<Transition> ruled;
  if (!zone.rule.has_value()) return ruled;
  const int64_t year =
      absl::ToCivilYear(absl::FromUnixSeconds(now), absl::UTCTimeZone()).year();
  for (int64_t y = year - 1; y <= year + 2; ++y) {
    for (Transition& transition : TransitionsIn(*zone.rule, y)) {
      ruled.push_back(std::move(transition));
    }
  }
  std::sort(ruled.begin(), ruled.end(), [](const auto& a, const auto& b) {
    return std::tie(a.at, a.type.is_dst) < std::tie(b.at, b.type.is_dst);
  });
  const int64_t last =
      zone.transitions.empty() ? INT64_MIN : zone.transitions.back().at;
  std::vector<Transition> later;
  for (Transition& transition : ruled) {
    if (transition.at <= last) continue;
    // Where daylight saving time lasts all year, it begins when it ends.
    if (!later.empty() && later.back().at == transition.at) later.pop_back();
    later.push_back(std::move(transition));
  }
  // What ends last may begin again at once, in a year not looked at.
  if (!later.empty()) later.pop_back();
  return later;
}

}  // namespace

absl::StatusOr<ZoneData> ParseTzif(absl::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return absl::DataLossError("the time zone's file is no TZif file");
  }
  if (bytes.size() < kHeaderSize) return CutShort();
  const bool is_version_1 = bytes[kMagic.size()] == '\0';
  size_t time_size = 4;
  Counts counts = ReadCounts(bytes);
  absl::string_view rest = bytes.substr(kHeaderSize);
  if (rest.size() < SizeOf(counts, time_size)) return CutShort();
  if (!is_version_1) {
    // All over again, with times of 64 bits and a rule behind them.
    rest.remove_prefix(SizeOf(counts, time_size));
    if (rest.size() < kHeaderSize) return CutShort();
    time_size = 8;
    counts = ReadCounts(rest);
    rest.remove_prefix(kHeaderSize);
    if (rest.size() < SizeOf(counts, time_size)) return CutShort();
  }
  absl::StatusOr<ZoneData> zone = ReadBlock(rest, counts, time_size);
  if (!zone.ok() || is_version_1) return zone;
  rest.remove_prefix(SizeOf(counts, time_size));
  const bool has_footer = absl::ConsumePrefix(&rest, "\n");
  const size_t end = rest.find('\n');
  if (!has_footer || end == absl::string_view::npos) return CutShort();
  if (end == 0) return zone;
  absl::StatusOr<PosixTz> rule = ParsePosixTz(rest.substr(0, end));
  if (!rule.ok()) return rule.status();
  zone->rule = *std::move(rule);
  return zone;
}

ZoneState StateAt(const ZoneData& zone, int64_t now) {
  std::vector<Transition> transitions = zone.transitions;
  for (Transition& transition : RuledTransitions(zone, now)) {
    transitions.push_back(std::move(transition));
  }
  ZoneState state{.type = zone.first, .last_change = {}, .next_change = {}};
  const LocalTimeType* before = &zone.first;
  for (const Transition& transition : transitions) {
    const bool is_past = transition.at <= now;
    if (is_past) state.type = transition.type;
    if (transition.type.is_dst != before->is_dst) {
      const DstChange change = {transition.at, *before, transition.type};
      if (!is_past) {
        state.next_change = change;
        return state;
      }
      state.last_change = change;
    }
    before = &transition.type;
  }
  return state;
}

}  // namespace mailcow
