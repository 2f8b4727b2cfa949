#include "collectors/stop_units.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mailcow {

std::string StopUnits(const std::set<UnitToStop>& units) {
  std::vector<std::string> all;
  std::vector<std::string> generated;
  for (const UnitToStop& unit : units) {
    all.push_back(unit.name);
    if (unit.is_generated) generated.push_back(unit.name);
  }
  if (all.empty()) return "";
  std::string command =
      absl::StrCat("systemctl disable --now ", absl::StrJoin(all, " "));
  // systemctl passes the disabling of a script on, and forgets --now.
  if (!generated.empty()) {
    absl::StrAppend(&command, " && systemctl stop ",
                    absl::StrJoin(generated, " "));
  }
  return command;
}

}  // namespace mailcow
