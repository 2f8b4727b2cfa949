// Finds out whose a socket is: the cgroup that owns it, which any process may
// look up, and the process behind it, which takes privilege.

#ifndef EXPORTER_SOCKET_OWNER_H_
#define EXPORTER_SOCKET_OWNER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "collectors/files.h"
#include "collectors/host.h"

namespace mailcow {

// Remembers what it found, and validates it at each question: processes are
// searched once for each socket. Thread-safe.
class SocketOwners {
 public:
  explicit SocketOwners(Files files) : files_(std::move(files)) {}

  Owner Find(const Listener& listener);

 private:
  // Where a socket was seen: descriptor `fd` of process `pid`.
  struct Sighting {
    std::string pid;
    std::string fd;
  };

  absl::StatusOr<std::string> FindCgroup(uint64_t id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> FindProcess(uint64_t inode,
                                          absl::string_view cgroup)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Sighting> Search(uint64_t inode,
                                  absl::string_view cgroup) const;
  absl::StatusOr<Sighting> SearchIn(const std::vector<std::string>& pids,
                                    uint64_t inode) const;

  const Files files_;
  absl::Mutex mutex_;
  std::map<uint64_t, std::string> cgroups_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, absl::StatusOr<Sighting>> sightings_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_SOCKET_OWNER_H_
