// A scrape as an HTTP client sees it. Made to cost little: what is measured
// runs on the same machine.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailcow::bench {

using Clock = std::chrono::steady_clock;

struct Answer {
  int status = 0;
  std::string body;  // still compressed if it came so
  size_t bytes = 0;  // with its header, as it came over the wire
};

// Lines of a text exposition that are samples.
size_t CountSeries(absl::string_view body);

// The body of a chunked message. OutOfRange while some of it is yet to come,
// DataLoss if it is not chunked.
absl::StatusOr<std::string> DecodeChunks(absl::string_view message);

// A TCP connection to a port of 127.0.0.1.
class Connection {
 public:
  // Unavailable while nothing listens there.
  static absl::StatusOr<Connection> Open(uint16_t port);

  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  // GET /metrics; DeadlineExceeded after ten seconds without a byte.
  absl::StatusOr<Answer> Scrape(bool offers_gzip);

 private:
  explicit Connection(int fd) : fd_(fd) {}

  // Appends what comes next to received_; Unavailable at the end of it.
  absl::Status Receive();

  int fd_;
  std::string received_;
};

}  // namespace mailcow::bench
