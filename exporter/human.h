// Numbers and strings as a person reads them on a terminal.

#ifndef EXPORTER_HUMAN_H_
#define EXPORTER_HUMAN_H_

#include <string>

#include "absl/strings/string_view.h"
#include "collectors/requirement.h"
#include "exporter/report.h"

namespace mailcow {

// "23.4 GiB", "1.2 ms", "yes", "3", rounded to so many digits.
std::string HumanNumber(double value, Unit unit, int digits = 3);

// The measured value, with as many digits as it takes to tell it from a limit
// that it does not meet; "?" where it is not known; the labels of information.
std::string HumanValue(const Row& row);

// ">= 1 GiB", "<= 0", "yes"; empty for a fact.
std::string HumanBound(const Bound& bound, Unit unit);

// `text` with what would move a terminal's cursor or colour it made visible,
// and bytes that are no UTF-8 replaced.
std::string Printable(absl::string_view text);

}  // namespace mailcow

#endif  // EXPORTER_HUMAN_H_
