// Which authorities may issue certificates for a name: CAA records, by RFC
// 8659.

#ifndef COLLECTORS_CAA_H_
#define COLLECTORS_CAA_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"

namespace mailcow {

// The names whose CAA records are asked for, in this order, until one has any:
// the name itself and those above it, without the root.
std::vector<std::string> NamesForCaa(absl::string_view name);

struct CaaVerdict {
  bool permits = true;
  // Why not, or under which conditions: the parameters of RFC 8657, as they
  // stand in the record. Empty where there are none.
  std::string why = "";

  bool operator==(const CaaVerdict&) const = default;
};

// Whether the records of the nearest name that has any let `authority`
// ("letsencrypt.org") issue a certificate that is not for a wildcard.
CaaVerdict JudgeCaa(const std::vector<DnsRecord>& records,
                    absl::string_view authority);

// The same without the reason.
bool PermitsIssue(const std::vector<DnsRecord>& records,
                  absl::string_view authority);

}  // namespace mailcow

#endif  // COLLECTORS_CAA_H_
