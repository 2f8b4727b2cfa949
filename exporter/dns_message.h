// Messages of the domain name system (RFC 1035): a question as it is sent, and
// what an answer says. glibc's decoder reads them.

#ifndef EXPORTER_DNS_MESSAGE_H_
#define EXPORTER_DNS_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"

namespace mailcow {

// The largest answer that is taken over UDP: it crosses every network whole
// (DNS flag day 2020).
inline constexpr uint16_t kDnsPayloadBytes = 1232;

// Chains of aliases that are longer lead nowhere.
inline constexpr size_t kMaxDnsAliases = 16;

// A name as answers have it: in lower case, without the last dot, escaped where
// it must be. InvalidArgument for what is no name, or is not ASCII.
absl::StatusOr<std::string> NormalDnsName(absl::string_view name);

// A question for recursion that also asks whether DNSSEC proves the answer
// (RFC 6840, section 5.7). Some servers know no EDNS. InvalidArgument for what
// is no name.
absl::StatusOr<std::string> DnsQueryMessage(const DnsQuestion& question,
                                            uint16_t id, bool has_edns);

// What an answer says of the name and type that it was asked for.
struct DnsReply {
  bool name_exists = true;  // of the last alias, where there are some
  std::vector<DnsRecord> records = {};
  std::vector<std::string> aliases = {};
  // False where it ends with an alias and does not say what that leads to.
  bool is_complete = true;
  bool is_authenticated = false;  // as it says
  bool is_truncated = false;

  bool operator==(const DnsReply&) const = default;
};

// PermissionDenied where the server refuses, Unavailable for its other errors,
// DataLoss for what is malformed, no answer, or goes round in a circle. The
// name of `question` is a normal one.
absl::StatusOr<DnsReply> ParseDnsReply(absl::string_view message,
                                       const DnsQuestion& question);

// Whether the server did not understand the question, as those that know no
// EDNS do not.
bool IsFormatError(absl::string_view message);

}  // namespace mailcow

#endif  // EXPORTER_DNS_MESSAGE_H_
