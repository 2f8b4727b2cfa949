#include "exporter/list.h"

#include "absl/strings/str_cat.h"
#include "exporter/human.h"

namespace mailcow {
namespace {

std::string Cell(const std::optional<Bound>& bound, Unit unit) {
  if (!bound.has_value()) return "";
  std::string cell = HumanBound(*bound, unit);
  if (bound->allowance != 0) {
    absl::StrAppend(&cell, " (allowance ", HumanNumber(bound->allowance, unit),
                    ")");
  }
  return cell;
}

}  // namespace

std::string RenderList(const Collectors& collectors) {
  std::string out =
      "| id | what | required | recommended | remedy | source |\n"
      "|---|---|---|---|---|---|\n";
  for (const auto& collector : collectors) {
    for (const Requirement* requirement : collector->requirements()) {
      absl::StrAppend(&out, "| ", requirement->id, " | ", requirement->what,
                      " | ", Cell(requirement->required, requirement->unit),
                      " | ", Cell(requirement->recommended, requirement->unit),
                      " | ", requirement->remedy, " | ", requirement->source,
                      " |\n");
    }
  }
  return out;
}

}  // namespace mailcow
