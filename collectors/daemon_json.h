// Docker's configuration file, as far as it decides what is asked of the host.

#ifndef COLLECTORS_DAEMON_JSON_H_
#define COLLECTORS_DAEMON_JSON_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"

namespace mailcow {

// What the file sets; what it does not is absent.
struct DaemonJson {
  std::optional<std::string> data_root;
  std::optional<bool> userland_proxy;
  std::optional<bool> live_restore;
};

// DataLoss says what the engine will not start with: the line that is no JSON,
// or the key whose value is of another kind.
absl::StatusOr<DaemonJson> ParseDaemonJson(absl::string_view text);

// The file of the host. Where there is none, nothing is set.
absl::StatusOr<DaemonJson> ReadDaemonJson(const Files& files);

}  // namespace mailcow

#endif  // COLLECTORS_DAEMON_JSON_H_
