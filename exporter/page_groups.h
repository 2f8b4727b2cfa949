// The findings of a report in the order in which a person has to do with them:
// a group for each verdict, and in it the topics.

#ifndef EXPORTER_PAGE_GROUPS_H_
#define EXPORTER_PAGE_GROUPS_H_

#include <string>
#include <vector>

#include "exporter/html.h"
#include "exporter/report.h"

namespace mailcow {

struct PageGroup {
  std::string id;     // what a link within the page leads to
  std::string title;  // "Unmet: required"
  // Of its verdicts.
  size_t count = 0;
  // With its heading.
  Html section = {};
};

// The groups that have a finding: unmet, required before recommended, then
// unknown, met, and facts.
std::vector<PageGroup> PageGroups(const std::vector<Row>& rows);

}  // namespace mailcow

#endif  // EXPORTER_PAGE_GROUPS_H_
