// Searches a host for whose sockets are: the cgroups by their ids, and the
// processes by the sockets that they hold. Either takes a while.

#ifndef EXPORTER_SOCKET_SEARCH_H_
#define EXPORTER_SOCKET_SEARCH_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "collectors/files.h"

namespace mailcow {

// The paths of all cgroups (v2), by their ids. NotFound where none is mounted.
absl::StatusOr<std::map<uint64_t, std::string>> FindCgroups(const Files& files);

// Where a socket was seen: descriptor `fd` of process `pid`.
struct Sighting {
  std::string pid;
  std::string fd;
};

// What the link /proc/PID/fd/FD of a socket says.
std::string LinkTo(uint64_t inode);

// One answer for each of `inodes`. `cgroups` are where to look first: their
// processes are few, those of the machine are not. PermissionDenied names the
// capability that is missing.
std::map<uint64_t, absl::StatusOr<Sighting>> FindSockets(
    const Files& files, const std::set<uint64_t>& inodes,
    const std::set<std::string>& cgroups);

}  // namespace mailcow

#endif  // EXPORTER_SOCKET_SEARCH_H_
