#include "collectors/holder.h"

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace mailcow {
namespace {

bool IsDockerUnit(absl::string_view unit) {
  return unit == "docker.service" || unit == "snap.docker.dockerd.service";
}

std::string NameOf(const Owner& owner) {
  const std::string unit = owner.cgroup.ok() ? UnitOf(*owner.cgroup) : "";
  if (!owner.process.ok()) return unit.empty() ? "an unknown process" : unit;
  return unit.empty() ? *owner.process
                      : absl::StrCat(*owner.process, " (", unit, ")");
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

absl::StatusOr<bool> IsForeign(const Owner& owner) {
  const std::string unit = owner.cgroup.ok() ? UnitOf(*owner.cgroup) : "";
  if (owner.process.ok()) {
    // Newer engines open the socket themselves and hand it to the proxy.
    return *owner.process != "docker-proxy" &&
           !(*owner.process == "dockerd" && IsDockerUnit(unit));
  }
  if (unit.empty()) return owner.process.status();
  // docker-proxy runs in the unit of the engine.
  return !IsDockerUnit(unit);
}

std::string Describe(const std::vector<Holder>& holders) {
  std::map<std::string, std::set<std::string>> places;
  for (const Holder& holder : holders) {
    places[NameOf(holder.owner)].insert(
        ToString(holder.listener.address, holder.listener.port));
  }
  std::vector<std::string> parts;
  for (const auto& [name, addresses] : places) {
    parts.push_back(absl::StrCat(name, " at ", absl::StrJoin(addresses, ", ")));
  }
  return absl::StrJoin(parts, "; ");
}

std::string StopUnits(const std::vector<Holder>& holders) {
  std::set<std::string> units;
  for (const Holder& holder : holders) {
    const std::string unit =
        holder.owner.cgroup.ok() ? UnitOf(*holder.owner.cgroup) : "";
    if (!absl::EndsWith(unit, ".service") || IsDockerUnit(unit) ||
        absl::StartsWith(unit, "user@")) {
      return "";
    }
    units.insert(unit);
  }
  return absl::StrCat("systemctl disable --now ", absl::StrJoin(units, " "));
}

}  // namespace mailcow
