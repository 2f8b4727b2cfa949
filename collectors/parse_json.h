// JSON from outside, parsed without surprises.

#ifndef COLLECTORS_PARSE_JSON_H_
#define COLLECTORS_PARSE_JSON_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace mailcow {

// DataLoss says which line of `name` is not JSON, or that it is nested more
// deeply than a program of ours or Docker's writes it: to copy that, the
// library would need more stack than there is.
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text,
                                         absl::string_view name);

}  // namespace mailcow

#endif  // COLLECTORS_PARSE_JSON_H_
