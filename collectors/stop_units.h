// The command that stops systemd's units for good.

#ifndef COLLECTORS_STOP_UNITS_H_
#define COLLECTORS_STOP_UNITS_H_

#include <set>
#include <string>

namespace mailcow {

struct UnitToStop {
  std::string name;  // "exim4.service"
  // systemd made it from a script in /etc/init.d.
  bool is_generated = false;

  friend auto operator<=>(const UnitToStop&, const UnitToStop&) = default;
};

// "systemctl disable --now exim4.service"; empty for no units.
std::string StopUnits(const std::set<UnitToStop>& units);

}  // namespace mailcow

#endif  // COLLECTORS_STOP_UNITS_H_
