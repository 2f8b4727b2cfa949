// Whose a listener is that stands in the way of mailcow: the words for it, and
// whether it is Docker's.

#ifndef COLLECTORS_HOLDER_H_
#define COLLECTORS_HOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/host.h"

namespace mailcow {

// A listener that stands in the way of a port, and whose it is.
struct Holder {
  Listener listener;
  Owner owner;
};

// The systemd unit in a cgroup's path, "exim4.service" of
// "/system.slice/exim4.service"; empty where there is none.
std::string UnitOf(absl::string_view cgroup);

// Whether a listener is Docker's or foreign. An error where neither its process
// nor its systemd unit is known.
absl::StatusOr<bool> IsForeign(const Owner& owner);

// "exim4 (exim4.service) at 0.0.0.0:25, [::]:25"
std::string Describe(const std::vector<Holder>& holders);

// The command that stops the units of all holders for good; empty where one has
// no unit of its own that could be spared.
std::string StopUnits(const std::vector<Holder>& holders);

}  // namespace mailcow

#endif  // COLLECTORS_HOLDER_H_
