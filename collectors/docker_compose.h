// Docker Compose: where it is installed, and its version as far as its own
// files tell it. It is never run.

#ifndef COLLECTORS_DOCKER_COMPOSE_H_
#define COLLECTORS_DOCKER_COMPOSE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"
#include "collectors/os_release.h"

namespace mailcow {

// The plugin (`docker compose`), or where there is none the standalone program
// (`docker-compose`). NotFound where neither is installed.
absl::StatusOr<std::string> FindCompose(const Files& files);

// The version of the program at `path`. Of a Go program it is the major one,
// which is in its module's path; of the Python script of version 1 all of it.
// DataLoss where the file does not tell.
absl::StatusOr<Version> ReadComposeVersion(const Files& files,
                                           absl::string_view path);

// The same from what Go wrote into a program of what it was built from.
absl::StatusOr<Version> ParseComposeBuildInfo(absl::string_view build_info);

// The same from the text of the script.
absl::StatusOr<Version> ParseComposeScript(absl::string_view script);

}  // namespace mailcow

#endif  // COLLECTORS_DOCKER_COMPOSE_H_
