// How a service of the host is recognised: by its systemd units and by its
// processes.

#ifndef COLLECTORS_SERVICE_H_
#define COLLECTORS_SERVICE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collectors/files.h"
#include "collectors/process_names.h"

namespace mailcow {

// How a process shows that it is the service: all must fit.
struct ProcessMark {
  absl::string_view name;        // in /proc/PID/comm
  absl::string_view program;     // within the first word of its command line
  absl::string_view words = "";  // within all of it
};

struct Service {
  absl::string_view name;  // "exim4"
  // Those that start it, as the distributions call them.
  absl::Span<const absl::string_view> units;
  absl::Span<const ProcessMark> processes;
};

// Whether a process of that name and command line is the service's. In the
// command line, as in /proc/PID/cmdline, a zero byte ends each word.
bool IsProcessOf(const Service& service, absl::string_view name,
                 absl::string_view command_line);

// The processes of services on the host, those in containers left out: the
// service's name, and the process's. The errors of ProcessNames.
absl::StatusOr<std::map<std::string, std::string>> FindProcessesOf(
    absl::Span<const Service> services, const ProcessNames& processes,
    const Files& files);

// Whether /proc/PID/status is that of a process in a container: it then has a
// number of its own there. DataLoss.
absl::StatusOr<bool> IsInContainer(absl::string_view proc_status);

}  // namespace mailcow

#endif  // COLLECTORS_SERVICE_H_
