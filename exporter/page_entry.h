// One finding on the page at "/": told in full where somebody has to act, and
// as the row of a table where not.

#ifndef EXPORTER_PAGE_ENTRY_H_
#define EXPORTER_PAGE_ENTRY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "exporter/html.h"
#include "exporter/report.h"

namespace mailcow {

struct PageEntry {
  const Row* row;
  Html title;
  std::string value;
  std::string detail;
  // Of the verdicts that it stands for.
  size_t count = 1;
};

// "now", "12 s ago", "never measured".
std::string AgeInWords(absl::Duration age);

// Unmet or unknown entries of one topic, below its heading.
Html RenderCards(absl::string_view topic,
                 const std::vector<PageEntry>& entries);

// Entries of one topic that are met, or facts: all with a level or none. There
// is at least one.
Html RenderTable(absl::string_view topic,
                 const std::vector<PageEntry>& entries);

}  // namespace mailcow

#endif  // EXPORTER_PAGE_ENTRY_H_
