// The vocabulary of the project. A requirement is a number and a bound: RAM at
// least 1 GiB, foreign listeners on port 25 at most 0, clock synchronized yes.
// Everything a person or Prometheus sees is derived from these few types.

#ifndef COLLECTORS_REQUIREMENT_H_
#define COLLECTORS_REQUIREMENT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailcow {

inline constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

// What a number counts. The base unit ends the metric's name where there is
// one: bytes, seconds. kBool is 1 or 0; kInfo is always 1, its meaning is in
// its labels. kTimestamp is a time in seconds since the Unix epoch. kTotal
// counts events since the program began.
enum class Unit { kBool, kBytes, kCount, kInfo, kSeconds, kTimestamp, kTotal };

// kRequired: mailcow's page "Prepare Your System" says the host must have it.
// kRecommended: that page's "better", or what mailcow asks beyond it today.
enum class Level { kRequired, kRecommended };

// The limit a number is held against.
struct Bound {
  enum class Relation { kAtLeast, kAtMost };

  Relation relation = Relation::kAtLeast;
  // The limit as the documentation states it.
  double nominal = 0;
  // How far a number may fall short of `nominal` and still meet it.
  double allowance = 0;

  // The limit in force.
  constexpr double limit() const {
    return relation == Relation::kAtLeast ? nominal - allowance
                                          : nominal + allowance;
  }
};

constexpr Bound AtLeast(double nominal, double allowance = 0) {
  return {Bound::Relation::kAtLeast, nominal, allowance};
}
constexpr Bound AtMost(double nominal) {
  return {Bound::Relation::kAtMost, nominal, 0};
}
constexpr Bound Yes() { return AtLeast(1); }

// One line of what mailcow asks of a host. Without a bound it is a plain fact.
struct Requirement {
  // Names the metric; a fact, never negated, and stays for ever.
  absl::string_view id;
  Unit unit = Unit::kBool;
  std::optional<Bound> required = std::nullopt;
  std::optional<Bound> recommended = std::nullopt;
  // One sentence, without a full stop: the HELP of the metric.
  absl::string_view what;
  // One sentence, without a full stop; empty for a fact.
  absl::string_view remedy = "";
  // Where the number comes from.
  absl::string_view source;
};

// Label names and values. The first value is the subject of the verdict.
using Labels = std::vector<std::pair<std::string, std::string>>;

// One measured number. An error is a number that could not be had; its message
// says what was read and what was wrong.
struct Reading {
  Labels labels;
  absl::StatusOr<double> value;
  // What a person wants to know beside the number: the owner of a port, say.
  std::string detail = "";
  // Replaces the requirement's remedy where a more exact one is known.
  std::string remedy = "";

  bool operator==(const Reading&) const = default;
};

// The readings of a requirement that has one subject.
std::vector<Reading> One(absl::StatusOr<double> value, std::string detail = "");

// What `derive` makes of a fact; the fact's error where it is not known.
template <typename Fact, typename Derive>
auto IfKnown(const absl::StatusOr<Fact>& fact, const Derive& derive)
    -> absl::StatusOr<decltype(derive(*fact))> {
  if (!fact.ok()) return fact.status();
  return derive(*fact);
}

// 1 or 0; an error stays one.
absl::StatusOr<double> AsNumber(const absl::StatusOr<bool>& fact);

// kFact is the verdict on a number without a bound.
enum class Verdict { kMet, kUnmet, kUnknown, kFact };

// Holds a number against a bound. An error and NaN are kUnknown.
Verdict Judge(const Bound& bound, const absl::StatusOr<double>& value);

// The bound of that level, if the requirement has one.
const std::optional<Bound>& BoundOf(const Requirement& requirement,
                                    Level level);

// The words used in labels, JSON and text: "required", "unmet", "bytes".
absl::string_view Name(Level level);
absl::string_view Name(Verdict verdict);
absl::string_view Name(Unit unit);

}  // namespace mailcow

#endif  // COLLECTORS_REQUIREMENT_H_
