// Holds what DNS says of a mail host and its domains against what should be
// there. Each function returns the readings of one requirement; unmet ones say
// what is published, and have the lines for the zone as their remedy.

#ifndef COLLECTORS_DNS_JUDGE_H_
#define COLLECTORS_DNS_JUDGE_H_

#include <vector>

#include "collectors/dns_facts.h"
#include "collectors/requirement.h"

namespace mailcow {

// Of the host.
std::vector<Reading> HostnameQualified(const DnsFacts& facts);
std::vector<Reading> HostnameNotAlias(const DnsFacts& facts);
std::vector<Reading> AddressMatches(const DnsFacts& facts);
std::vector<Reading> PointerMatches(const DnsFacts& facts);
std::vector<Reading> TlsaUsable(const DnsFacts& facts);
std::vector<Reading> CaaPermits(const DnsFacts& facts);
std::vector<Reading> BlocklistListed(const DnsFacts& facts);

// Of each of its domains.
std::vector<Reading> MxMatches(const DnsFacts& facts);
std::vector<Reading> AutodiscoverMatches(const DnsFacts& facts);
std::vector<Reading> AutoconfigMatches(const DnsFacts& facts);
std::vector<Reading> SpfPermits(const DnsFacts& facts);
std::vector<Reading> DkimUsable(const DnsFacts& facts);
std::vector<Reading> DmarcValid(const DnsFacts& facts);
std::vector<Reading> MtaStsValid(const DnsFacts& facts);
std::vector<Reading> TlsRptValid(const DnsFacts& facts);
std::vector<Reading> SrvMatches(const DnsFacts& facts);

// Of the resolvers.
std::vector<Reading> ResolverReachable(const DnsFacts& facts);
std::vector<Reading> ResolverRoundTrip(const DnsFacts& facts);
std::vector<Reading> AnswerAuthenticated(const DnsFacts& facts);

}  // namespace mailcow

#endif  // COLLECTORS_DNS_JUDGE_H_
