// Names of the domain name system: how they are written, which of them a mail
// host can have, and how the names for addresses are made.

#ifndef COLLECTORS_DNS_NAME_H_
#define COLLECTORS_DNS_NAME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/ip_address.h"

namespace mailcow {

// The name as DnsQuestion has it: "Mail.Example.org." becomes
// "mail.example.org", and names beyond ASCII get their ASCII form (xn--). All
// printable ASCII may stand in a name but a space and a backslash, which would
// be an escape. InvalidArgument; for the root as well.
absl::StatusOr<std::string> NormalizeDnsName(absl::string_view text);

// Whether a host that the world sends mail to can be called so; the name is
// normalized. InvalidArgument where it is not a hostname, has no domain or is
// of a domain that is not in the public DNS. "test" and "example" pass, for
// trials and documentation.
absl::Status CheckQualified(absl::string_view hostname);

// "example.org" of "mail.example.org"; the root, which is empty, of "org".
std::string ParentOf(absl::string_view name);

// "1.2.0.192.in-addr.arpa" of 192.0.2.1, and the like in ip6.arpa.
std::string ReverseName(const IpAddress& address);

// Whether it may be a host's on the public internet: those that the registries
// of special-purpose addresses (RFC 6890) call globally reachable unicast, and
// those for documentation, which stand for public ones wherever they are used.
bool IsPublic(const IpAddress& address);

}  // namespace mailcow

#endif  // COLLECTORS_DNS_NAME_H_
