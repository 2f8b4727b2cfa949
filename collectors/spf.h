// Whether a host may send mail of a domain: check_host() of the Sender Policy
// Framework (RFC 7208), as those who receive its mail evaluate it. An
// explanation (exp=) is not fetched: it changes no result.

#ifndef COLLECTORS_SPF_H_
#define COLLECTORS_SPF_H_

#include <string>

#include "absl/strings/string_view.h"
#include "collectors/ip_address.h"
#include "collectors/spf_questions.h"
#include "collectors/spf_record.h"

namespace mailcow {

struct SpfVerdict {
  SpfResult result = SpfResult::kNone;
  // Why: "example.com says -all", "example.com has no SPF record".
  std::string reason = "";

  bool operator==(const SpfVerdict&) const = default;
};

// The questions that CheckSpf asks at most: one for the record, and for each of
// ten terms one with ten addresses.
inline constexpr int kMaxSpfQuestions = 1 + 10 * (1 + 10);

// Whether `client` may send mail from postmaster@`domain`, saying that it is
// `helo`.
SpfVerdict CheckSpf(const IpAddress& client, absl::string_view domain,
                    absl::string_view helo, const DnsLookup& lookup);

// As RFC 7208 writes it: "softfail".
absl::string_view Name(SpfResult result);

}  // namespace mailcow

#endif  // COLLECTORS_SPF_H_
