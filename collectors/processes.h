// The processes that /proc shows.

#ifndef COLLECTORS_PROCESSES_H_
#define COLLECTORS_PROCESSES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/files.h"

namespace mailcow {

struct Processes {
  std::vector<std::string> pids;  // the newest first, as far as numbers tell
  // With the mount option hidepid, those of other users are not even listed.
  bool hides_others = false;
};
absl::StatusOr<Processes> ListProcesses(const Files& files);

}  // namespace mailcow

#endif  // COLLECTORS_PROCESSES_H_
