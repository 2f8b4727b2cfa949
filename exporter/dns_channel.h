// Questions to one resolver and what comes back, over c-ares. It only carries
// bytes; whom to ask next is decided elsewhere (dns_round.h), and so c-ares is
// never told of more than one resolver.

#ifndef EXPORTER_DNS_CHANNEL_H_
#define EXPORTER_DNS_CHANNEL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "exporter/dns_resolver.h"

struct ares_channeldata;

namespace mailcow {

// What is not answered over UDP is sent again after one, three, seven, ...
// seconds. An answer to another question, or with another id, is none.
class DnsChannel {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Protocol {
    kUdp,  // and TCP for what is truncated
    kUdpOnly,
    kTcp
  };

  // What came of the question with that key. DeadlineExceeded where nothing
  // came, Unavailable where the resolver cannot be reached.
  struct Event {
    size_t key;
    absl::StatusOr<std::string> message;
    Clock::time_point at;
  };

  // Unavailable, also for one whose address is wrong.
  static absl::StatusOr<std::unique_ptr<DnsChannel>> Open(
      const NamedResolver& resolver, Protocol protocol);
  // What is not answered never will be.
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  // `message` has an id that no other question of this channel has.
  void Send(const std::string& message, size_t key);

  bool has_events() const { return !events_.empty(); }
  std::vector<Event> TakeEvents();

  // Waits until one of `channels` has events, no longer than `until`; it may
  // return sooner.
  static void Await(const std::vector<std::unique_ptr<DnsChannel>>& channels,
                    Clock::time_point until);

 private:
  struct Waiting;
  // A question that is not answered yet.
  struct Unanswered {
    std::string message;
    Clock::duration wait;
    Clock::time_point again_at;
  };

  DnsChannel(ares_channeldata* channel, Protocol protocol)
      : channel_(channel), protocol_(protocol) {}

  void SendNow(const std::string& message, size_t key);
  void SendAgain();
  static void OnAnswer(void* waiting, int status, int timeouts,
                       unsigned char* bytes, int size);

  ares_channeldata* const channel_;
  const Protocol protocol_;
  std::map<size_t, Unanswered> open_;  // by their keys
  std::vector<Event> events_;
};

// An id for a message; none that is in `ids`, to which it is added. Nobody who
// does not see the questions can guess it.
uint16_t NewDnsId(std::set<uint16_t>& ids);

// The error of a resolver that is silent for so long.
absl::Status NoDnsAnswer(absl::Duration deadline);

}  // namespace mailcow

#endif  // EXPORTER_DNS_CHANNEL_H_
