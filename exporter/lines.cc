#include "exporter/lines.h"

#include <algorithm>

#include "exporter/human.h"
#include "exporter/time_block.h"

namespace mailcow {
namespace {

bool IsSameButForSubject(const Line& line, const Row& row) {
  const Row& other = *line.row;
  return &other.requirement() == &row.requirement() &&
         other.level == row.level && other.verdict == row.verdict &&
         line.value == HumanValue(row) &&
         other.reading().detail == row.reading().detail &&
         other.reason() == row.reason() && other.remedy() == row.remedy();
}

}  // namespace

std::vector<Line> LinesOf(const std::vector<Row>& rows) {
  std::vector<Line> lines;
  for (const Row& row : rows) {
    const bool is_information =
        row.requirement().unit == Unit::kInfo && !IsInTimeBlock(row);
    if (is_information) continue;
    auto line = std::find_if(
        lines.begin(), lines.end(),
        [&row](const Line& seen) { return IsSameButForSubject(seen, row); });
    if (line == lines.end()) {
      const std::optional<Bound> bound = row.bound();
      lines.push_back({.row = &row,
                       .subjects = {},
                       .value = HumanValue(row),
                       .limit = bound.has_value()
                                    ? HumanBound(*bound, row.requirement().unit)
                                    : ""});
      line = std::prev(lines.end());
    }
    if (!row.subject().empty()) line->subjects.push_back(row.subject());
  }
  return lines;
}

bool IsMetByAllowance(const Row& row) {
  if (row.verdict != Verdict::kMet) return false;
  Bound nominal = *row.bound();
  nominal.allowance = 0;
  return Judge(nominal, row.reading().value) == Verdict::kUnmet;
}

}  // namespace mailcow
