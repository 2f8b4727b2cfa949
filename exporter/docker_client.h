// Asks Docker's engine over its Unix socket. Only GET: nothing is changed.

#ifndef EXPORTER_DOCKER_CLIENT_H_
#define EXPORTER_DOCKER_CLIENT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/files.h"

namespace mailcow {

class DockerClient {
 public:
  // `socket` is its path on the host, below the root of `files`.
  DockerClient(Files files, std::string socket)
      : files_(std::move(files)), socket_(std::move(socket)) {}

  // The bodies that the engine answers GET of each path with, one after the
  // other over one connection. SIGPIPE must be ignored. Takes as long as the
  // engine does, up to `patience` of silence. NotFound: no engine answers
  // there. PermissionDenied: the socket is not for us. DeadlineExceeded: it is
  // silent, or broke off. DataLoss: its answer is not one.
  absl::StatusOr<std::vector<std::string>> Get(
      const std::vector<std::string>& paths, absl::Duration patience) const;

 private:
  const Files files_;
  const std::string socket_;
};

// The version of the API to speak, of what the engine's Api-Version says: its
// own, unless that is newer than what we know. DataLoss.
absl::StatusOr<std::string> NegotiateApiVersion(absl::string_view offered);

}  // namespace mailcow

#endif  // EXPORTER_DOCKER_CLIENT_H_
