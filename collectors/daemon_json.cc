#include "collectors/daemon_json.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "collectors/parse_json.h"

namespace mailcow {
namespace {

constexpr absl::string_view kPath = "/etc/docker/daemon.json";

}  // namespace

absl::StatusOr<DaemonJson> ParseDaemonJson(absl::string_view text) {
  // Since version 23 the engine takes an empty file for one that sets nothing.
  if (absl::StripAsciiWhitespace(text).empty()) return DaemonJson();
  const absl::StatusOr<nlohmann::json> json = ParseJson(text, kPath);
  if (!json.ok()) return json.status();
  if (!json->is_object()) {
    return absl::DataLossError(absl::StrCat(kPath, " is not a JSON object"));
  }
  DaemonJson daemon;
  // The engine takes null and an empty path for a key that is not set.
  const auto root = json->find("data-root");
  if (root != json->end() && !root->is_null()) {
    const std::string path =
        root->is_string() ? root->get<std::string>() : "not a path";
    const bool is_absolute =
        absl::StartsWith(path, "/") && !absl::StrContains(path, '\0');
    if (!path.empty() && !is_absolute) {
      return absl::DataLossError(
          absl::StrCat("data-root of ", kPath, " is not an absolute path"));
    }
    if (!path.empty()) daemon.data_root = path;
  }
  for (const auto& [key, value] :
       {std::pair("userland-proxy", &daemon.userland_proxy),
        std::pair("live-restore", &daemon.live_restore)}) {
    const auto found = json->find(key);
    if (found == json->end() || found->is_null()) continue;
    if (!found->is_boolean()) {
      return absl::DataLossError(
          absl::StrCat(key, " of ", kPath, " is neither true nor false"));
    }
    *value = found->get<bool>();
  }
  return daemon;
}

absl::StatusOr<DaemonJson> ReadDaemonJson(const Files& files) {
  const absl::StatusOr<std::string> text = files.ReadWatched(kPath);
  if (absl::IsNotFound(text.status())) return DaemonJson();
  if (!text.ok()) return text.status();
  return ParseDaemonJson(*text);
}

}  // namespace mailcow
