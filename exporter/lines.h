// The rows of a report as a person wants to read them: ten free ports need no
// ten lines.

#ifndef EXPORTER_LINES_H_
#define EXPORTER_LINES_H_

#include <string>
#include <vector>

#include "exporter/report.h"

namespace mailcow {

// Rows of one requirement that differ in nothing but their subject.
struct Line {
  // The first of them. Points into the rows that the line was made of.
  const Row* row;
  // Empty where the requirement has only one reading.
  std::vector<std::string> subjects;
  std::string value;
  std::string limit;
};

// In the order of the first rows. Information is left out where its topic's
// other lines say what matters of it.
std::vector<Line> LinesOf(const std::vector<Row>& rows);

// Whether the nominal limit is not met, but the one in force is.
bool IsMetByAllowance(const Row& row);

}  // namespace mailcow

#endif  // EXPORTER_LINES_H_
