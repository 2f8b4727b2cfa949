#include "exporter/nagios.h"

#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "exporter/human.h"

namespace mailcow {
namespace {

std::string NameOf(const Finding& finding) {
  const Labels& labels = finding.reading.labels;
  return labels.empty() ? std::string(finding.requirement->id)
                        : absl::StrCat(finding.requirement->id, " ",
                                       labels.front().second);
}

// Performance data knows no exponents.
std::string Decimal(double value) {
  std::array<char, 512> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(),
                                    value, std::chars_format::fixed);
  return {text.data(), result.ptr};
}

// "10:" alerts below 10, "10" above it.
std::string Range(const std::optional<Bound>& bound) {
  if (!bound.has_value()) return "";
  return absl::StrCat(Decimal(bound->limit()),
                      bound->relation == Bound::Relation::kAtLeast ? ":" : "");
}

// The units of Nagios' plugins; "c" is a counter that only grows.
absl::string_view UnitOf(Unit unit) {
  if (unit == Unit::kTotal) return "c";
  return unit == Unit::kBytes ? "B" : unit == Unit::kSeconds ? "s" : "";
}

std::string PerformanceData(const Report& report) {
  std::vector<std::string> data;
  for (const Section& section : report.sections) {
    for (const Finding& finding : section.findings) {
      const Requirement& requirement = *finding.requirement;
      const absl::StatusOr<double>& value = finding.reading.value;
      if (!value.ok() || requirement.unit == Unit::kBool ||
          requirement.unit == Unit::kInfo) {
        continue;
      }
      // The label may hold neither an equals sign nor a quote.
      const std::string label = absl::StrReplaceAll(
          Printable(NameOf(finding)), {{"'", "_"}, {"=", "_"}, {"|", "_"}});
      data.push_back(absl::StrCat(
          "'", label, "'=", Decimal(*value), UnitOf(requirement.unit), ";",
          Range(requirement.recommended), ";", Range(requirement.required)));
    }
  }
  return absl::StrJoin(data, " ");
}

absl::string_view StatusWord(int exit_status) {
  return exit_status == 0 ? "OK" : exit_status == 1 ? "WARNING" : "UNKNOWN";
}

}  // namespace

int CheckExitStatus(const Counts& counts) {
  if (counts.unmet_required > 0) return 1;
  return counts.unknown_required > 0 ? 3 : 0;
}

std::string RenderNagios(const Report& report) {
  const std::vector<Row> rows = RowsOf(report);
  std::vector<std::string> wrong;
  for (const Row& row : rows) {
    if (row.level == Level::kRequired && row.verdict != Verdict::kMet) {
      // A bar would begin the performance data.
      wrong.push_back(absl::StrReplaceAll(
          absl::StrCat(Printable(NameOf(*row.finding)), " ", Name(row.verdict)),
          {{"|", "_"}}));
    }
  }
  const int status = CheckExitStatus(Count(rows));
  return absl::StrCat("MAILCOW HOST ", StatusWord(status), " - ",
                      wrong.empty() ? "ready" : absl::StrJoin(wrong, ", "),
                      " | ", PerformanceData(report), "\n");
}

}  // namespace mailcow
