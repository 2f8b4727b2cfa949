#include "exporter/human.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "exporter/text_format.h"

namespace mailcow {
namespace {

// So many significant digits, without a fraction of zeros or an exponent.
std::string Rounded(double value, int digits) {
  const double first_with_exponent = std::pow(10, digits) - 0.5;
  return std::abs(value) >= first_with_exponent
             ? absl::StrFormat("%.0f", value)
             : absl::StrFormat("%.*g", digits, value);
}

std::string HumanBytes(double bytes, int digits) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  // What would be rounded up to 1024 is 1 of the next unit.
  constexpr double kNextUnit = 1023.5;
  size_t unit = 0;
  while (std::abs(bytes) >= kNextUnit && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return absl::StrCat(Rounded(bytes, digits), " ", kUnits[unit]);
}

std::string HumanSeconds(double seconds, int digits) {
  const double size = std::abs(seconds);
  if (size >= 1 || size == 0) {
    return absl::StrCat(Rounded(seconds, digits), " s");
  }
  if (size >= 1e-3) return absl::StrCat(Rounded(seconds * 1e3, digits), " ms");
  return absl::StrCat(Rounded(seconds * 1e6, digits), " us");
}

}  // namespace

std::string HumanNumber(double value, Unit unit, int digits) {
  switch (unit) {
    case Unit::kBool:
      return value != 0 ? "yes" : "no";
    case Unit::kBytes:
      return HumanBytes(value, digits);
    case Unit::kCount:
    case Unit::kInfo:
    case Unit::kTotal:
      return absl::StrFormat("%.15g", value);
    case Unit::kSeconds:
      return HumanSeconds(value, digits);
    case Unit::kTimestamp:
      return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                              absl::FromUnixSeconds(std::llround(value)),
                              absl::UTCTimeZone());
  }
  return "";
}

std::string HumanValue(const Row& row) {
  const Reading& reading = row.reading();
  if (!reading.value.ok()) return "?";
  if (row.requirement().unit == Unit::kInfo) {
    return absl::StrJoin(reading.labels, " ", absl::PairFormatter("="));
  }
  const Unit unit = row.requirement().unit;
  const std::string rounded = HumanNumber(*reading.value, unit);
  const bool looks_met = row.verdict == Verdict::kUnmet &&
                         rounded == HumanNumber(row.bound()->nominal, unit);
  constexpr int kExact = 15;
  return looks_met ? HumanNumber(*reading.value, unit, kExact) : rounded;
}

std::string HumanBound(const Bound& bound, Unit unit) {
  if (unit == Unit::kBool) return HumanNumber(bound.nominal, unit);
  const absl::string_view sign =
      bound.relation == Bound::Relation::kAtLeast ? ">= " : "<= ";
  return absl::StrCat(sign, HumanNumber(bound.nominal, unit));
}

std::string Printable(absl::string_view text) {
  const std::string valid = ToValidUtf8(text);
  std::string printable;
  for (size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<uint8_t>(valid[i]);
    // U+0080 to U+009F, which terminals obey as they do escape sequences.
    const bool is_c1 =
        byte == 0xc2 && static_cast<uint8_t>(valid[i + 1]) < 0xa0;
    if (is_c1) {
      absl::StrAppendFormat(&printable, "\\x%02x",
                            static_cast<uint8_t>(valid[++i]));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&printable, "\\x%02x", byte);
    } else {
      printable += valid[i];
    }
  }
  return printable;
}

}  // namespace mailcow
