#include "collectors/posix_tz.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"

namespace mailcow {
namespace {

// Reads the rule from left to right. What is not there is not consumed.
class Cursor {
 public:
  explicit Cursor(absl::string_view text) : rest_(text) {}

  bool IsAtEnd() const { return rest_.empty(); }
  bool IsAt(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool Consume(absl::string_view expected) {
    return absl::ConsumePrefix(&rest_, expected);
  }

  // A number from `least` to `most`.
  std::optional<int> Number(int least, int most) {
    size_t digits = 0;
    int number = 0;
    while (digits < std::min<size_t>(rest_.size(), kMaxDigits) &&
           absl::ascii_isdigit(static_cast<unsigned char>(rest_[digits]))) {
      number = number * 10 + (rest_[digits++] - '0');
    }
    rest_.remove_prefix(digits);
    if (digits == 0 || number < least || number > most) return std::nullopt;
    return number;
  }

  // "CET", or in angle brackets what has other characters than letters.
  std::optional<std::string> Abbreviation() {
    constexpr size_t kMinLength = 3;
    size_t end = 0;
    std::string name;
    if (Consume("<")) {
      end = rest_.find('>');
      if (end == absl::string_view::npos) return std::nullopt;
      name = std::string(rest_.substr(0, end++));
    } else {
      while (end < rest_.size() &&
             absl::ascii_isalpha(static_cast<unsigned char>(rest_[end]))) {
        ++end;
      }
      name = std::string(rest_.substr(0, end));
    }
    rest_.remove_prefix(end);
    if (name.size() < kMinLength) return std::nullopt;
    return name;
  }

  // "[+-]hh[:mm[:ss]]" in seconds.
  std::optional<int64_t> Time(int max_hours) {
    const int64_t sign = Consume("-") ? -1 : 1;
    if (sign == 1) Consume("+");
    const std::optional<int> hours = Number(0, max_hours);
    std::optional<int> minutes = 0;
    std::optional<int> seconds = 0;
    if (Consume(":")) {
      minutes = Number(0, 59);
      if (Consume(":")) seconds = Number(0, 59);
    }
    if (!hours || !minutes || !seconds) return std::nullopt;
    return sign * (*hours * int64_t{3600} + *minutes * int64_t{60} + *seconds);
  }

 private:
  static constexpr size_t kMaxDigits = 6;
  absl::string_view rest_;
};

std::optional<RuleDate> ReadDay(Cursor& cursor) {
  RuleDate date;
  std::optional<int> day;
  if (cursor.Consume("M")) {
    date.kind = RuleDate::Kind::kWeekdayOfMonth;
    const std::optional<int> month = cursor.Number(1, 12);
    if (!month || !cursor.Consume(".")) return std::nullopt;
    const std::optional<int> week = cursor.Number(1, 5);
    if (!week || !cursor.Consume(".")) return std::nullopt;
    const std::optional<int> weekday = cursor.Number(0, 6);
    if (!weekday) return std::nullopt;
    std::tie(date.month, date.week, date.weekday) =
        std::tie(*month, *week, *weekday);
    return date;
  }
  if (cursor.Consume("J")) {
    day = cursor.Number(1, 365);
  } else {
    date.kind = RuleDate::Kind::kZeroBasedDay;
    day = cursor.Number(0, 365);
  }
  if (!day) return std::nullopt;
  date.day = *day;
  return date;
}

std::optional<RuleDate> ReadDate(Cursor& cursor) {
  // RFC 8536 lets a time lie up to a week off its day.
  constexpr int kMaxRuleHours = 167;
  std::optional<RuleDate> date = ReadDay(cursor);
  if (!date || !cursor.Consume("/")) return date;
  const std::optional<int64_t> seconds = cursor.Time(kMaxRuleHours);
  if (!seconds) return std::nullopt;
  date->seconds = *seconds;
  return date;
}

// POSIX counts offsets west of Greenwich.
std::optional<int64_t> ReadOffset(Cursor& cursor) {
  constexpr int kMaxOffsetHours = 24;
  const std::optional<int64_t> west = cursor.Time(kMaxOffsetHours);
  if (!west) return std::nullopt;
  return -*west;
}

std::optional<PosixTz::Daylight> ReadDaylight(Cursor& cursor,
                                              int64_t standard_offset) {
  PosixTz::Daylight daylight;
  const std::optional<std::string> name = cursor.Abbreviation();
  std::optional<int64_t> offset = standard_offset + 3600;
  if (!cursor.IsAt(',')) offset = ReadOffset(cursor);
  if (!name || !offset || !cursor.Consume(",")) return std::nullopt;
  const std::optional<RuleDate> begin = ReadDate(cursor);
  if (!begin || !cursor.Consume(",")) return std::nullopt;
  const std::optional<RuleDate> end = ReadDate(cursor);
  if (!end || !cursor.IsAtEnd()) return std::nullopt;
  return PosixTz::Daylight{.type = {.utc_offset_seconds = *offset,
                                    .is_dst = true,
                                    .abbreviation = *name},
                           .begin = *begin,
                           .end = *end};
}

absl::CivilDay DayOf(const RuleDate& date, int64_t year) {
  const absl::CivilDay new_year(year);
  switch (date.kind) {
    case RuleDate::Kind::kJulianDay: {
      const bool is_leap_year = absl::CivilDay(year, 2, 29).month() == 2;
      constexpr int kLastOfFebruary = 59;
      return new_year + (date.day - 1) +
             (is_leap_year && date.day > kLastOfFebruary ? 1 : 0);
    }
    case RuleDate::Kind::kZeroBasedDay:
      return new_year + date.day;
    case RuleDate::Kind::kWeekdayOfMonth:
      break;
  }
  const absl::CivilDay first(year, date.month, 1);
  // absl counts weekdays from Monday.
  const int first_weekday = (static_cast<int>(absl::GetWeekday(first)) + 1) % 7;
  absl::CivilDay day = first + (date.weekday - first_weekday + 7) % 7 +
                       int64_t{7} * (date.week - 1);
  if (day.month() != date.month) day -= 7;
  return day;
}

int64_t TimeOf(const RuleDate& date, int64_t year, int64_t utc_offset_seconds) {
  constexpr int64_t kDaySeconds = int64_t{24} * 3600;
  return (DayOf(date, year) - absl::CivilDay()) * kDaySeconds + date.seconds -
         utc_offset_seconds;
}

}  // namespace

absl::StatusOr<PosixTz> ParsePosixTz(absl::string_view text) {
  const auto malformed = [text] {
    return absl::DataLossError(
        absl::StrCat("\"", text, "\" is no rule of a time zone"));
  };
  Cursor cursor(text);
  PosixTz rule;
  const std::optional<std::string> name = cursor.Abbreviation();
  if (!name) return malformed();
  const std::optional<int64_t> offset = ReadOffset(cursor);
  if (!offset) return malformed();
  rule.standard = {
      .utc_offset_seconds = *offset, .is_dst = false, .abbreviation = *name};
  if (cursor.IsAtEnd()) return rule;
  rule.daylight = ReadDaylight(cursor, *offset);
  if (!rule.daylight) return malformed();
  return rule;
}

std::vector<Transition> TransitionsIn(const PosixTz& rule, int64_t year) {
  if (!rule.daylight.has_value()) return {};
  const PosixTz::Daylight& daylight = *rule.daylight;
  std::vector<Transition> transitions = {
      {TimeOf(daylight.begin, year, rule.standard.utc_offset_seconds),
       daylight.type},
      {TimeOf(daylight.end, year, daylight.type.utc_offset_seconds),
       rule.standard}};
  if (transitions[1].at < transitions[0].at) {
    std::swap(transitions[0], transitions[1]);
  }
  return transitions;
}

}  // namespace mailcow
