// What the domain name system says: questions, answers and records as plain
// values. Names are absolute, in lower case and without the last dot; the root
// is empty. Names beyond ASCII are in their ASCII form (xn--).

#ifndef COLLECTORS_DNS_RECORD_H_
#define COLLECTORS_DNS_RECORD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "collectors/ip_address.h"

namespace mailcow {

// The numbers are those of the protocol.
enum class DnsType : uint16_t {
  kA = 1,
  kCname = 5,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kTlsa = 52,
  kCaa = 257,
};

struct DnsQuestion {
  std::string name;
  DnsType type = DnsType::kA;

  friend auto operator<=>(const DnsQuestion&, const DnsQuestion&) = default;
};

// One record; which members count follows from the type that was asked for.
struct DnsRecord {
  IpAddress address = {};   // A, AAAA
  std::string name = "";    // MX, PTR, CNAME, SRV: the host it names
  uint16_t preference = 0;  // MX; SRV: its priority
  uint16_t weight = 0;      // SRV
  uint16_t port = 0;        // SRV
  // TXT: its strings, joined. CAA: its value. TLSA: the bytes of its data.
  std::string text = "";
  std::string tag = "";      // CAA: "issue", in lower case
  bool is_critical = false;  // CAA
  uint8_t usage = 0;         // TLSA
  uint8_t selector = 0;      // TLSA
  uint8_t matching = 0;      // TLSA

  bool operator==(const DnsRecord&) const = default;
};

// What was said of a name. No records of the type that was asked for is an
// answer as well.
struct DnsAnswer {
  bool name_exists = true;  // false: NXDOMAIN
  // Of the type that was asked for, in the order of the answer. CNAMEs were
  // followed.
  std::vector<DnsRecord> records = {};
  // The names that CNAMEs led to, in order; empty where the name is no alias.
  std::vector<std::string> aliases = {};
  // DNSSEC proves it, as a resolver says that is trusted (the AD bit).
  bool is_authenticated = false;
  std::string server = "";  // who said it: "192.0.2.1:53"
  absl::Duration round_trip = absl::ZeroDuration();
  absl::Duration age = absl::ZeroDuration();

  bool operator==(const DnsAnswer&) const = default;
};

}  // namespace mailcow

#endif  // COLLECTORS_DNS_RECORD_H_
