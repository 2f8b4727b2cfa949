// Whose a port is: mailcow's own containers', another container's, or a program
// of the host's.

#ifndef COLLECTORS_ATTRIBUTION_H_
#define COLLECTORS_ATTRIBUTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/docker_state.h"
#include "collectors/holder.h"
#include "collectors/host.h"
#include "collectors/port_value.h"

namespace mailcow {

// What Docker says, and the Compose project that is mailcow's.
struct DockerView {
  DockerState docker;
  absl::StatusOr<std::string> project;
};

// The holder that is `listener`. A listener of Docker's is attributed to the
// container that publishes it; what appeared after Docker was asked is unknown.
Holder HeldBy(const Listener& listener, const Owner& owner,
              const DockerView& view);

// What Docker publishes in the way of `bind` without any of `listeners`: with
// userland-proxy turned off, the kernel's rules alone carry it.
std::vector<Holder> HeldWithoutListener(const Bind& bind,
                                        const std::vector<Listener>& listeners,
                                        const DockerView& view);

}  // namespace mailcow

#endif  // COLLECTORS_ATTRIBUTION_H_
