#include "exporter/text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "exporter/human.h"
#include "exporter/lines.h"
#include "exporter/time_block.h"

namespace mailcow {
namespace {

std::string TitleOf(const Line& line) {
  const absl::string_view id = line.row->requirement().id;
  if (line.subjects.empty()) return std::string(id);
  if (line.subjects.size() > 1) {
    return absl::StrCat(id, " (", line.subjects.size(), ")");
  }
  return absl::StrCat(id, " ", line.subjects.front());
}

// What stands behind the columns: all of the subjects, and the detail unless
// it has a line of its own.
std::string TrailerOf(const Line& line) {
  std::vector<std::string> parts;
  if (line.subjects.size() > 1) {
    parts.push_back(absl::StrJoin(line.subjects, " "));
  }
  const Row& row = *line.row;
  if (IsMetByAllowance(row)) {
    parts.push_back(absl::StrCat(
        "with an allowance of ",
        HumanNumber(row.bound()->allowance, row.requirement().unit)));
  }
  if (row.verdict != Verdict::kUnmet && !row.reading().detail.empty()) {
    parts.push_back(row.reading().detail);
  }
  return absl::StrJoin(parts, "  ");
}

absl::string_view ColorOf(const Row& row) {
  switch (row.verdict) {
    case Verdict::kMet:
      return "\033[32m";
    case Verdict::kUnmet:
      return row.level == Level::kRequired ? "\033[1;31m" : "\033[33m";
    case Verdict::kUnknown:
      return "\033[35m";
    case Verdict::kFact:
      return "\033[2m";
  }
  return "";
}

std::string Colored(absl::string_view text, absl::string_view color,
                    bool with_color) {
  if (!with_color) return std::string(text);
  return absl::StrCat(color, text, "\033[0m");
}

// The lines below an unmet or unknown one.
void AppendExplanation(const Row& row, std::string& out) {
  constexpr absl::string_view kIndent = "           ";
  if (row.verdict == Verdict::kUnmet) {
    if (!row.reading().detail.empty()) {
      absl::StrAppend(&out, kIndent, Printable(row.reading().detail), "\n");
    }
    absl::StrAppend(&out, kIndent, "remedy: ", Printable(row.remedy()), "\n");
  } else if (!row.reason().empty()) {
    absl::StrAppend(&out, kIndent, "reason: ", Printable(row.reason()), "\n");
  }
}

// A verdict, what stands behind it, and what explains it.
void AppendVerdict(const Row& row, std::string columns, bool with_color,
                   std::string& out) {
  columns.resize(columns.find_last_not_of(' ') + 1);
  absl::StrAppend(&out, "  ",
                  Colored(absl::StrFormat("%-7s", Name(row.verdict)),
                          ColorOf(row), with_color),
                  columns, "\n");
  AppendExplanation(row, out);
}

// How wide the columns are.
struct Widths {
  size_t title = 0;
  size_t value = 0;
  size_t limit = 0;
};

Widths WidthsOf(const std::vector<Line>& lines) {
  Widths widths;
  for (const Line& line : lines) {
    if (IsInTimeBlock(*line.row)) continue;
    widths.title = std::max(widths.title, Printable(TitleOf(line)).size());
    widths.value = std::max(widths.value, line.value.size());
    widths.limit = std::max(widths.limit, line.limit.size());
  }
  return widths;
}

void AppendLine(const Line& line, const Widths& widths, bool with_color,
                std::string& out) {
  const Row& row = *line.row;
  AppendVerdict(row,
                absl::StrFormat("  %-*s  %*s  %-*s  %-11s  %s", widths.title,
                                Printable(TitleOf(line)), widths.value,
                                line.value, widths.limit, line.limit,
                                row.level.has_value() ? Name(*row.level) : "",
                                Printable(TrailerOf(line))),
                with_color, out);
}

void AppendTimeBlock(const std::vector<Row>& rows, bool with_color,
                     std::string& out) {
  absl::StrAppend(&out, "time\n");
  for (const TimeLine& line : TimeBlock(rows)) {
    const Row& row = *line.row;
    const bool has_trailer = row.verdict == Verdict::kMet;
    AppendVerdict(row,
                  absl::StrFormat(
                      "  %16s: %s  %-11s  %s", line.title, Printable(line.text),
                      row.level.has_value() ? Name(*row.level) : "",
                      has_trailer ? Printable(row.reading().detail) : ""),
                  with_color, out);
  }
}

std::string Summary(const Counts& counts) {
  return absl::StrCat(IsReady(counts) ? "READY: " : "NOT READY: ", counts.met,
                      " met, ", counts.unmet_required, " required unmet, ",
                      counts.unknown_required, " required unknown, ",
                      counts.unmet_recommended, " recommended unmet, ",
                      counts.unknown_recommended, " recommended unknown");
}

}  // namespace

std::string RenderText(const Report& report, bool with_color) {
  const std::vector<Row> rows = RowsOf(report);
  const std::vector<Line> lines = LinesOf(rows);
  const Widths widths = WidthsOf(lines);
  std::string out;
  const Section* section = nullptr;
  bool has_time_block = false;
  for (const Line& line : lines) {
    const bool is_in_block = IsInTimeBlock(*line.row);
    if (is_in_block && std::exchange(has_time_block, true)) continue;
    const bool is_first_of_section = line.row->section != section;
    if (!out.empty() && (is_in_block || is_first_of_section)) out += "\n";
    if (is_in_block) {
      AppendTimeBlock(rows, with_color, out);
      section = nullptr;
      continue;
    }
    if (is_first_of_section) {
      section = line.row->section;
      absl::StrAppend(&out, section->topic, "\n");
    }
    AppendLine(line, widths, with_color, out);
  }
  const Counts counts = Count(rows);
  absl::StrAppend(
      &out, "\n",
      Colored(Summary(counts), IsReady(counts) ? "\033[1;32m" : "\033[1;31m",
              with_color),
      "\n");
  return out;
}

}  // namespace mailcow
