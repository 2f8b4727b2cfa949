#include "exporter/json.h"

#include <vector>

#include "exporter/human.h"
#include "nlohmann/json.hpp"

namespace mailcow {
namespace {

using nlohmann::ordered_json;

ordered_json TextOrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json Render(const Row& row) {
  const Requirement& requirement = row.requirement();
  const Reading& reading = row.reading();
  const std::optional<Bound> bound = row.bound();
  // Information has no other value than its labels.
  const bool is_info = requirement.unit == Unit::kInfo && reading.value.ok();
  ordered_json out;
  out["id"] = std::string(requirement.id);
  out["subject"] = row.subject();
  out["topic"] = row.section->topic;
  out["level"] =
      TextOrNull(row.level.has_value() ? std::string(Name(*row.level)) : "");
  out["verdict"] = std::string(Name(row.verdict));
  out["value"] =
      reading.value.ok() ? ordered_json(*reading.value) : ordered_json(nullptr);
  out["unit"] = std::string(Name(requirement.unit));
  out["limit"] =
      bound.has_value() ? ordered_json(bound->limit()) : ordered_json(nullptr);
  out["reason"] = TextOrNull(row.reason());
  out["remedy"] = TextOrNull(row.remedy());
  out["detail"] = TextOrNull(is_info ? HumanValue(row) : reading.detail);
  return out;
}

}  // namespace

std::string RenderJson(const Report& report) {
  const std::vector<Row> rows = RowsOf(report);
  ordered_json out;
  out["ready"] = IsReady(Count(rows));
  out["requirements"] = ordered_json::array();
  for (const Row& row : rows) out["requirements"].push_back(Render(row));
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mailcow
