// Asks time servers, each only as often as it should be asked.

#ifndef EXPORTER_SNTP_CLIENT_H_
#define EXPORTER_SNTP_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/bounded_wait.h"
#include "collectors/host.h"

namespace mailcow {

// Names are looked up, and addresses asked, no more than once in an interval:
// two names of one server share its answer. A server that asks for fewer
// questions gets half as many from then on, and one that wants none gets no
// more. One question that is lost takes nothing back: the last answer counts
// for two intervals. Thread-safe.
class SntpClient : public TimeServers {
 public:
  struct Pace {
    absl::Duration every = absl::Minutes(5);
    // How long to wait for all that are asked at once, their names looked up.
    // What comes later counts the next time.
    absl::Duration deadline = absl::Seconds(3);
  };

  explicit SntpClient(const Pace& pace);
  ~SntpClient() override;

  std::vector<absl::StatusOr<ServerTime>> Ask(
      const std::vector<std::string>& servers) const override;

 private:
  struct Shared;

  // Questions that hang may outlive this object.
  const std::shared_ptr<Shared> shared_;
  mutable BoundedWait<bool> questions_;
};

}  // namespace mailcow

#endif  // EXPORTER_SNTP_CLIENT_H_
