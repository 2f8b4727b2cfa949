// Asks the kernel for the TCP sockets that listen (sock_diag(7)). Only the
// table of listeners is walked, so the cost does not grow with connections,
// and no privilege is needed.

#ifndef EXPORTER_SOCK_DIAG_H_
#define EXPORTER_SOCK_DIAG_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "collectors/files.h"
#include "collectors/host.h"

namespace mailcow {

// Asks over one socket, which is kept. Thread-safe.
class SockDiag {
 public:
  // IPv4 and IPv6 listeners of the network namespace in which this was first
  // called.
  absl::StatusOr<std::vector<Listener>> Listeners();

 private:
  absl::StatusOr<std::vector<Listener>> Dump(bool& was_interrupted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  FileDescriptor socket_ ABSL_GUARDED_BY(mutex_){-1};
};

// What one datagram of the kernel's answer holds.
struct DiagDatagram {
  std::vector<Listener> listeners;
  bool is_last = false;
  bool was_interrupted = false;  // the table changed meanwhile: ask again
};

// DataLoss for bytes that are no such answer; otherwise the kernel's error.
absl::StatusOr<DiagDatagram> ParseDiagDatagram(absl::string_view datagram);

}  // namespace mailcow

#endif  // EXPORTER_SOCK_DIAG_H_
