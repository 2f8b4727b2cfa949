#include "collectors/limits.h"

#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

struct Suffix {
  absl::string_view name;
  double bytes;
};
constexpr Suffix kSuffixes[] = {{"KiB", 1024.0},
                                {"MiB", 1024.0 * 1024},
                                {"GiB", kGiB},
                                {"TiB", 1024 * kGiB}};

// Takes the suffix away from `word`; what it multiplies by.
double ConsumeFactor(absl::string_view& word) {
  for (const Suffix& suffix : kSuffixes) {
    if (!absl::ConsumeSuffix(&word, suffix.name)) continue;
    absl::ConsumeSuffix(&word, " ");
    return suffix.bytes;
  }
  return 1;
}

absl::string_view Expected(Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return "a size such as 2GiB, 512 MiB or a number of bytes";
    case Unit::kSeconds:
    case Unit::kTimestamp:
      return "a number of seconds from 0 on";
    case Unit::kBool:
    case Unit::kCount:
    case Unit::kInfo:
    case Unit::kTotal:
      return "a number from 0 on";
  }
  return "";
}

}  // namespace

absl::Status CheckHasLimit(const Requirement& requirement) {
  if (!requirement.required.has_value() &&
      !requirement.recommended.has_value()) {
    return absl::InvalidArgumentError("a fact has no limit");
  }
  if (requirement.unit == Unit::kBool) {
    return absl::InvalidArgumentError("a yes or no has no limit to replace");
  }
  return absl::OkStatus();
}

absl::Status CheckHasLimit(const Requirement& requirement, Level level) {
  absl::Status any = CheckHasLimit(requirement);
  if (!any.ok() || BoundOf(requirement, level).has_value()) return any;
  return absl::InvalidArgumentError(
      absl::StrCat("there is no ", Name(level), " limit to replace"));
}

absl::StatusOr<double> ParseLimit(absl::string_view word, Unit unit) {
  absl::string_view number = word;
  const double factor = unit == Unit::kBytes ? ConsumeFactor(number) : 1;
  double value = 0;
  // These keep out signs, "inf", "nan", hexadecimal digits and spaces.
  const bool is_plain =
      !number.empty() &&
      absl::ascii_isdigit(static_cast<unsigned char>(number.front())) &&
      number.find_first_not_of("0123456789.eE+-") == absl::string_view::npos;
  if (!is_plain || !absl::SimpleAtod(number, &value) ||
      !std::isfinite(value * factor)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", word, "\" is not ", Expected(unit)));
  }
  return value * factor;
}

void Override(const Limits& limits, Requirement& requirement) {
  const auto put = [&](Level level, std::optional<Bound>& bound) {
    const auto found = limits.find({std::string(requirement.id), level});
    if (found == limits.end() || !bound.has_value()) return;
    bound->nominal = found->second;
    bound->allowance = 0;
  };
  put(Level::kRequired, requirement.required);
  put(Level::kRecommended, requirement.recommended);
}

}  // namespace mailcow
