// One question to one address of a time server, and what comes of it.

#ifndef EXPORTER_SNTP_QUESTION_H_
#define EXPORTER_SNTP_QUESTION_H_

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/host.h"

namespace mailcow {

struct ServerAddress {
  sockaddr_storage bytes = {};
  socklen_t size = 0;
  std::string text;  // "192.0.2.1:123"
};

// Where the server can be asked: two addresses at most, the second of which is
// for where the first cannot be reached. NotFound where its name leads nowhere,
// InvalidArgument where it is none. May take long.
absl::StatusOr<std::vector<ServerAddress>> LookUpTimeServer(
    const std::string& server);

struct SntpResult {
  // DeadlineExceeded where nothing came, Unavailable where nothing can come,
  // Internal where it could not be asked; otherwise as ParseSntpAnswer() and
  // MeasureServer() have it.
  absl::StatusOr<ServerTime> answer;
  // Nothing came that the server said.
  bool is_unanswered = false;
  std::chrono::steady_clock::time_point at;
  // At that time: a step of our clock since then moves the offset.
  std::optional<absl::Duration> time_of_boot;
};

// Waits for little more than a second.
SntpResult AskTimeServer(const ServerAddress& address);

}  // namespace mailcow

#endif  // EXPORTER_SNTP_QUESTION_H_
