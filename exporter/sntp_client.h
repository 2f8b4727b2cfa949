// Asks time servers, each only as often as it should be asked.

#ifndef EXPORTER_SNTP_CLIENT_H_
#define EXPORTER_SNTP_CLIENT_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collectors/bounded_wait.h"
#include "collectors/host.h"

namespace mailcow {

// A server that asks for fewer questions gets half as many, and one that wants
// none gets no more. Thread-safe.
class SntpClient : public TimeServers {
 public:
  struct Pace {
    absl::Duration every = absl::Minutes(5);
    // How long to wait for all that are asked at once, their names looked up.
    absl::Duration deadline = absl::Seconds(3);
  };

  explicit SntpClient(const Pace& pace)
      : pace_(pace), questions_(pace.deadline) {}

  std::vector<absl::StatusOr<ServerTime>> Ask(
      const std::vector<std::string>& servers) const override;

 private:
  using Clock = std::chrono::steady_clock;

  struct Known {
    absl::StatusOr<ServerTime> answer;
    Clock::time_point asked_at;
    absl::Duration wait;  // until it may be asked again
    // When it was asked: a step of our clock since then moves the offset.
    std::optional<absl::Duration> time_of_boot;
  };

  bool IsDue(const std::string& server, Clock::time_point now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Store(const std::string& server, Clock::time_point asked_at,
             absl::StatusOr<ServerTime> answer) const;
  static absl::StatusOr<ServerTime> AnswerNow(const Known& known);

  const Pace pace_;
  mutable BoundedWait<ServerTime> questions_;
  mutable absl::Mutex mutex_;
  mutable std::map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
};

// Asks the server once. NotFound where its name leads nowhere; DeadlineExceeded
// where it is silent; otherwise as ParseSntpAnswer() and MeasureServer() have
// it. Looking up a name may take long.
absl::StatusOr<ServerTime> AskTimeServer(const std::string& server);

}  // namespace mailcow

#endif  // EXPORTER_SNTP_CLIENT_H_
