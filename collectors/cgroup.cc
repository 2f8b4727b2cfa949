#include "collectors/cgroup.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

bool IsContainerId(absl::string_view text) {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

}  // namespace

std::string UnitOf(absl::string_view cgroup) {
  const std::vector<absl::string_view> parts = absl::StrSplit(cgroup, '/');
  // The outermost: what runs inside a unit belongs to it.
  for (const absl::string_view part : parts) {
    if (absl::EndsWith(part, ".service") || absl::EndsWith(part, ".scope")) {
      return std::string(part);
    }
  }
  return "";
}

std::string ContainerIdOf(absl::string_view cgroup) {
  const std::vector<absl::string_view> parts = absl::StrSplit(cgroup, '/');
  for (size_t i = 1; i < parts.size(); ++i) {
    absl::string_view id = parts[i];
    const bool is_scope = absl::ConsumePrefix(&id, "docker-") &&
                          absl::ConsumeSuffix(&id, ".scope");
    if ((is_scope || parts[i - 1] == "docker") && IsContainerId(id)) {
      return std::string(id);
    }
  }
  return "";
}

bool IsDockerUnit(absl::string_view unit) {
  return unit == "docker.service" || unit == "snap.docker.dockerd.service";
}

}  // namespace mailcow
