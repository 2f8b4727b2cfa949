// Finds out whose a socket is: the cgroup that owns it, which any process may
// look up, and the process behind it, which takes privilege.

#ifndef EXPORTER_SOCKET_OWNER_H_
#define EXPORTER_SOCKET_OWNER_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "collectors/files.h"
#include "collectors/host.h"

namespace mailcow {

// Where a socket was seen: descriptor `fd` of process `pid`.
struct Sighting {
  std::string pid;
  std::string fd;
};

// Remembers where it found a socket and validates that at each question, so
// that all processes are searched only for sockets that are new. What was not
// found is searched for again a minute later. Thread-safe.
class SocketOwners {
 public:
  explicit SocketOwners(Files files) : files_(std::move(files)) {}

  // One answer for each.
  std::vector<Owner> Find(const std::vector<Listener>& listeners);

 private:
  struct Search {
    absl::StatusOr<Sighting> sighting;
    std::chrono::steady_clock::time_point at;
  };

  absl::StatusOr<std::string> FindCgroup(uint64_t id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsStillValid(uint64_t inode, const Search& search) const;
  void SearchFor(const std::vector<Listener>& listeners)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> NameOf(const Search& search) const;

  const Files files_;
  absl::Mutex mutex_;
  std::map<uint64_t, std::string> cgroups_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Search> searches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_SOCKET_OWNER_H_
