// What a cgroup's path tells of the processes in it.

#ifndef COLLECTORS_CGROUP_H_
#define COLLECTORS_CGROUP_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mailcow {

// The systemd unit in a cgroup's path, "exim4.service" of
// "/system.slice/exim4.service"; empty where there is none.
std::string UnitOf(absl::string_view cgroup);

// The id of the Docker container in a cgroup's path, which stands there as
// "/docker/ID" or "docker-ID.scope"; empty where there is none.
std::string ContainerIdOf(absl::string_view cgroup);

// Whether `unit` is that of Docker's engine, and of its docker-proxy processes.
bool IsDockerUnit(absl::string_view unit);

}  // namespace mailcow

#endif  // COLLECTORS_CGROUP_H_
