// Asks resolvers, no question more often than it should be asked.

#ifndef EXPORTER_DNS_CLIENT_H_
#define EXPORTER_DNS_CLIENT_H_

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collectors/dns_record.h"
#include "collectors/files.h"
#include "collectors/host.h"
#include "exporter/dns_resolver.h"

namespace mailcow {

// An answer counts for an interval, a failure for a tenth of one. Where no
// resolver says anything, no question at all is put to them for as long: they
// cost one deadline. Everything happens on the thread of the caller, who waits
// for the deadline at most. Thread-safe.
class DnsClient : public Dns {
 public:
  struct Settings {
    // "192.0.2.1", "192.0.2.1:5353", "[::1]:53"; where there are none, those of
    // /etc/resolv.conf.
    std::vector<std::string> resolvers = {};
    // Beside loopback, who is believed that DNSSEC proves an answer.
    std::vector<std::string> trusted = {};
    absl::Duration every = absl::Minutes(5);
    // For all that are asked at once, 64 at most.
    absl::Duration deadline = absl::Seconds(3);
  };

  DnsClient(Settings settings, const Files& files)
      : settings_(std::move(settings)), files_(files) {}

  std::vector<absl::StatusOr<DnsAnswer>> Ask(
      const std::vector<DnsQuestion>& questions) const override;

  absl::StatusOr<std::vector<DnsServer>> Servers() const override;

 private:
  using Clock = std::chrono::steady_clock;
  using Answers = std::vector<absl::StatusOr<DnsAnswer>>;
  using Resolvers = std::vector<NamedResolver>;

  // What came of a question, and until when it counts.
  struct Known {
    absl::StatusOr<DnsAnswer> answer;
    Clock::time_point at;
    Clock::time_point until;
  };
  // Resolvers that say nothing.
  struct Dead {
    Resolvers resolvers;
    absl::Status status;
    Clock::time_point until;
  };
  struct Probed {
    Resolvers resolvers;
    std::vector<DnsServer> servers;
    Clock::time_point until = {};
  };

  absl::StatusOr<Resolvers> FindResolvers() const;
  void Forget() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Resolve(std::map<DnsQuestion, std::promise<Known>>& due) const;
  Answers AskNow(const std::vector<DnsQuestion>& due) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  const Settings settings_;
  const Files& files_;
  mutable absl::Mutex mutex_;
  // Of those that are being asked as well.
  mutable std::map<DnsQuestion, std::shared_future<Known>> known_
      ABSL_GUARDED_BY(mutex_);
  mutable std::optional<Dead> dead_ ABSL_GUARDED_BY(mutex_);
  // Held while they are asked: who comes meanwhile waits for what they say.
  mutable absl::Mutex probe_mutex_;
  mutable std::optional<Probed> probed_ ABSL_GUARDED_BY(probe_mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_DNS_CLIENT_H_
