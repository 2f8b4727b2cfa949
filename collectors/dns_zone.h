// The records that a mail host should have: what DNS says is held against them,
// and an administrator is told them as lines of a zone.

#ifndef COLLECTORS_DNS_ZONE_H_
#define COLLECTORS_DNS_ZONE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "collectors/dns_wanted.h"
#include "collectors/ip_address.h"

namespace mailcow {

// Names of records.
std::string AutodiscoverName(absl::string_view domain);
std::string AutoconfigName(absl::string_view domain);
std::string DkimName(absl::string_view domain);
std::string DmarcName(absl::string_view domain);
// That of the domain, and of those above it, but for top level domains: the
// first that has a policy counts (RFC 7489, 6.6.3).
std::vector<std::string> DmarcNames(absl::string_view domain);
std::string MtaStsName(absl::string_view domain);
std::string TlsRptName(absl::string_view domain);
std::string TlsaName(absl::string_view hostname);
std::string ServiceName(const DnsService& service, absl::string_view domain);

// A record as a line of a zone: "mail.example.org. IN A 192.0.2.1".
std::string AddressLine(absl::string_view hostname, const IpAddress& address);
std::string PointerLine(const IpAddress& address, absl::string_view hostname);
std::string MxLine(absl::string_view domain, absl::string_view hostname);
std::string AliasLine(absl::string_view name, absl::string_view hostname);
std::string SpfLine(absl::string_view domain);
std::string DkimLine(absl::string_view domain);
std::string DmarcLine(absl::string_view domain);
std::string MtaStsLine(absl::string_view domain);
std::string TlsRptLine(absl::string_view domain);
std::string TlsaLine(absl::string_view hostname);
std::string CaaLine(absl::string_view hostname);
std::string ServiceLine(const DnsService& service, absl::string_view domain,
                        absl::string_view hostname);

// All of them, each in a line of its own, for the zones of the host and of its
// domains. What only others can fill in, a key or a reverse zone, is a comment.
std::string ZoneText(const DnsWanted& wanted);

}  // namespace mailcow

#endif  // COLLECTORS_DNS_ZONE_H_
