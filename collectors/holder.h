// Who holds a port that mailcow needs, and the words for it.

#ifndef COLLECTORS_HOLDER_H_
#define COLLECTORS_HOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/ip_address.h"

namespace mailcow {

// What stands in the way of a port, and whose it is.
struct Holder {
  IpAddress address;
  uint16_t port = 0;
  // Of the listener; none where Docker publishes the port without one.
  std::optional<Owner> owner;
  // Whether systemd made the unit that listens from a script in /etc/init.d.
  bool is_generated = false;
  // The name of the container behind it; empty where none is known.
  std::string container = "";
  // Whether it is somebody else's than mailcow's. An error where that cannot be
  // told.
  absl::StatusOr<bool> is_foreign;

  bool operator==(const Holder&) const = default;
};

// "exim4 (exim4.service) at 0.0.0.0:25, [::]:25"
std::string Describe(const std::vector<Holder>& holders);

// The command that stops all holders for good; empty where there is one that no
// command can be named for.
std::string StopCommand(const std::vector<Holder>& holders);

}  // namespace mailcow

#endif  // COLLECTORS_HOLDER_H_
