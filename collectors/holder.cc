#include "collectors/holder.h"

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/cgroup.h"
#include "collectors/stop_units.h"

namespace mailcow {
namespace {

std::string UnitBehind(const Holder& holder) {
  if (!holder.owner.has_value() || !holder.owner->cgroup.ok()) return "";
  return UnitOf(*holder.owner->cgroup);
}

std::string NameOf(const Holder& holder) {
  if (!holder.container.empty()) {
    return absl::StrCat("container ", holder.container);
  }
  const std::string unit = UnitBehind(holder);
  if (!holder.owner.has_value() || !holder.owner->process.ok()) {
    return unit.empty() ? "an unknown process" : unit;
  }
  const std::string& process = *holder.owner->process;
  return unit.empty() ? process : absl::StrCat(process, " (", unit, ")");
}

// The unit that starts `unit`: Postfix runs as an instance of another.
std::string MainUnitOf(const std::string& unit) {
  return unit == "postfix@-.service" ? "postfix.service" : unit;
}

// A unit that an administrator would stop to be rid of what it holds.
bool IsSparable(absl::string_view unit) {
  return absl::EndsWith(unit, ".service") && !IsDockerUnit(unit) &&
         !absl::StartsWith(unit, "user@");
}

}  // namespace

std::string Describe(const std::vector<Holder>& holders) {
  std::map<std::string, std::set<std::string>> places;
  for (const Holder& holder : holders) {
    places[NameOf(holder)].insert(ToString(holder.address, holder.port));
  }
  std::vector<std::string> parts;
  for (const auto& [name, addresses] : places) {
    parts.push_back(absl::StrCat(name, " at ", absl::StrJoin(addresses, ", ")));
  }
  return absl::StrJoin(parts, "; ");
}

std::string StopCommand(const std::vector<Holder>& holders) {
  std::set<UnitToStop> units;
  std::set<std::string> containers;
  for (const Holder& holder : holders) {
    const std::string unit = UnitBehind(holder);
    if (!holder.container.empty()) {
      containers.insert(holder.container);
    } else if (IsSparable(unit)) {
      units.insert({MainUnitOf(unit), holder.is_generated});
    } else {
      return "";
    }
  }
  std::vector<std::string> commands;
  if (!units.empty()) commands.push_back(StopUnits(units));
  if (!containers.empty()) {
    const std::string names = absl::StrJoin(containers, " ");
    commands.push_back(absl::StrCat("docker update --restart=no ", names,
                                    " && docker stop ", names));
  }
  return absl::StrJoin(commands, " && ");
}

}  // namespace mailcow
