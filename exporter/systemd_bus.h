// Asks systemd about units, over the system bus.

#ifndef EXPORTER_SYSTEMD_BUS_H_
#define EXPORTER_SYSTEMD_BUS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/bounded_wait.h"
#include "collectors/files.h"
#include "collectors/host.h"

namespace mailcow {

class SystemdBus : public Bus {
 public:
  explicit SystemdBus(const Files& files);

  // Waits for a few seconds at most. DeadlineExceeded: the bus or systemd is
  // silent; asking again costs nothing until it answers. Unavailable: there is
  // no bus, or systemd is not on it.
  absl::StatusOr<std::vector<SystemdUnit>> Units(
      const std::vector<std::string>& names) const override;

 private:
  const Files files_;
  mutable BoundedWait<std::vector<SystemdUnit>> questions_;
};

}  // namespace mailcow

#endif  // EXPORTER_SYSTEMD_BUS_H_
