// Finds out whose a socket is: the cgroup that owns it, which any process may
// look up, and the process behind it, which takes privilege.

#ifndef EXPORTER_SOCKET_OWNER_H_
#define EXPORTER_SOCKET_OWNER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/bounded_wait.h"
#include "collectors/files.h"
#include "collectors/host.h"

namespace mailcow {

// Remembers where it found a socket and validates that at each question, so
// that processes are searched only for sockets that are new, on a thread of
// its own. What was not found is searched for again a minute later.
// Thread-safe.
class SocketOwners {
 public:
  // Longer than a search takes on most hosts; with thousands of processes it
  // takes longer, and the answer is there at the next question.
  static constexpr absl::Duration kPatience = absl::Milliseconds(50);

  explicit SocketOwners(const Files& files,
                        absl::Duration patience = kPatience);

  // One answer for each. DeadlineExceeded for those that are still searched
  // for after `patience`.
  std::vector<Owner> Find(const std::vector<Listener>& listeners);

 private:
  struct Known;

  // Shared with searches that are under way.
  const std::shared_ptr<Known> known_;
  BoundedWait<bool> searches_;
};

}  // namespace mailcow

#endif  // EXPORTER_SOCKET_OWNER_H_
