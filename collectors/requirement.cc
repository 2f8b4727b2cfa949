#include "collectors/requirement.h"

#include <cmath>

namespace mailcow {

std::vector<Reading> One(absl::StatusOr<double> value, std::string detail) {
  return {
      {.labels = {}, .value = std::move(value), .detail = std::move(detail)}};
}

absl::StatusOr<double> AsNumber(const absl::StatusOr<bool>& fact) {
  return IfKnown(fact, [](bool is_true) { return is_true ? 1.0 : 0.0; });
}

Verdict Judge(const Bound& bound, const absl::StatusOr<double>& value) {
  if (!value.ok() || std::isnan(*value)) return Verdict::kUnknown;
  const bool met = bound.relation == Bound::Relation::kAtLeast
                       ? *value >= bound.limit()
                       : *value <= bound.limit();
  return met ? Verdict::kMet : Verdict::kUnmet;
}

const std::optional<Bound>& BoundOf(const Requirement& requirement,
                                    Level level) {
  return level == Level::kRequired ? requirement.required
                                   : requirement.recommended;
}

absl::string_view Name(Level level) {
  switch (level) {
    case Level::kRequired:
      return "required";
    case Level::kRecommended:
      return "recommended";
  }
  return "";
}

absl::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMet:
      return "met";
    case Verdict::kUnmet:
      return "unmet";
    case Verdict::kUnknown:
      return "unknown";
    case Verdict::kFact:
      return "fact";
  }
  return "";
}

absl::string_view Name(Unit unit) {
  switch (unit) {
    case Unit::kBool:
      return "bool";
    case Unit::kBytes:
      return "bytes";
    case Unit::kCount:
      return "count";
    case Unit::kInfo:
      return "info";
    case Unit::kSeconds:
      return "seconds";
    case Unit::kTimestamp:
      return "timestamp_seconds";
    case Unit::kTotal:
      return "total";
  }
  return "";
}

}  // namespace mailcow
