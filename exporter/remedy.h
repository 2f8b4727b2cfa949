// The commands within a remedy, which is one sentence for a person: a page
// offers them to be copied.

#ifndef EXPORTER_REMEDY_H_
#define EXPORTER_REMEDY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mailcow {

struct RemedyPart {
  std::string text;
  bool is_command = false;

  friend bool operator==(const RemedyPart&, const RemedyPart&) = default;
};

// The remedy in pieces that add up to it. A command is one of a program that
// remedies name, which ends with the remedy or before a comma or a semicolon.
// What might not be a command is prose.
std::vector<RemedyPart> PartsOf(absl::string_view remedy);

}  // namespace mailcow

#endif  // EXPORTER_REMEDY_H_
