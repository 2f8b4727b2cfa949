// Limits that the administrator sets in place of mailcow's. Only a number can
// be held against another limit: what is a yes or a no stays what it is.

#ifndef COLLECTORS_LIMITS_H_
#define COLLECTORS_LIMITS_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/requirement.h"

namespace mailcow {

// By the requirement's id; in base units.
using Limits = std::map<std::pair<std::string, Level>, double>;

// InvalidArgument for a requirement that has no number to replace at any level:
// a fact, and a yes or no.
absl::Status CheckHasLimit(const Requirement& requirement);

// InvalidArgument also for one that has none at that level.
absl::Status CheckHasLimit(const Requirement& requirement, Level level);

// "2GiB", "1.5 GiB" or "2147483648" for bytes, else a number in the base unit.
// InvalidArgument for what is none, for less than zero and for infinity.
absl::StatusOr<double> ParseLimit(absl::string_view word, Unit unit);

// Puts those of `limits` that are the requirement's in force, exactly: an
// allowance is for what the documentation states.
void Override(const Limits& limits, Requirement& requirement);

}  // namespace mailcow

#endif  // COLLECTORS_LIMITS_H_
