// The readiness table that `check` prints for a person. Information, which is
// labels without a number, is left to the other formats.

#ifndef EXPORTER_TEXT_H_
#define EXPORTER_TEXT_H_

#include <string>

#include "exporter/report.h"

namespace mailcow {

// `with_color`: for a terminal, with ANSI escape sequences.
std::string RenderText(const Report& report, bool with_color);

}  // namespace mailcow

#endif  // EXPORTER_TEXT_H_
