#include "collectors/parse_json.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

constexpr int kMaxDepth = 64;

}  // namespace

absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text,
                                         absl::string_view name) {
  bool is_too_deep = false;
  const auto look = [&is_too_deep](int depth, nlohmann::json::parse_event_t,
                                   nlohmann::json&) {
    is_too_deep |= depth > kMaxDepth;
    return !is_too_deep;
  };
  try {
    nlohmann::json json = nlohmann::json::parse(text.begin(), text.end(), look);
    if (!is_too_deep) return json;
  } catch (const nlohmann::json::parse_error& error) {
    // The byte it stumbled over may be the end of the line.
    const absl::string_view read =
        text.substr(0, std::max<size_t>(error.byte, 1) - 1);
    return absl::DataLossError(
        absl::StrCat("line ", 1 + std::count(read.begin(), read.end(), '\n'),
                     " of ", name, " is not JSON"));
  } catch (const nlohmann::json::exception&) {
    return absl::DataLossError(
        absl::StrCat(name, " has a number out of range"));
  }
  return absl::DataLossError(absl::StrCat(name, " is nested too deeply"));
}

}  // namespace mailcow
