// Questions that are put to resolvers all at once, with one deadline.

#ifndef EXPORTER_DNS_ROUND_H_
#define EXPORTER_DNS_ROUND_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collectors/dns_record.h"
#include "exporter/dns_resolver.h"

namespace mailcow {

struct DnsRound {
  // One for each question.
  std::vector<absl::StatusOr<DnsAnswer>> answers;
  // False where no resolver said anything: all answers are the same error.
  bool is_answered = false;
};

// Resolvers are asked in their order, the next one where one is silent for a
// second or has no answer to give. Answers of all of them count until the end.
// Errors are those of Dns::Ask() and name each resolver and what it said. The
// names of `questions` are normal ones.
DnsRound AskResolvers(const std::vector<NamedResolver>& resolvers,
                      const std::vector<DnsQuestion>& questions,
                      absl::Duration deadline);

}  // namespace mailcow

#endif  // EXPORTER_DNS_ROUND_H_
