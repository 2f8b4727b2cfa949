// The policy of a domain for mail that pretends to be of it: the TXT record at
// _dmarc, by RFC 7489. What came later (RFC 9091 and its successors) adds tags,
// which are skipped as unknown ones are, and takes none away that is read here.

#ifndef COLLECTORS_DMARC_H_
#define COLLECTORS_DMARC_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mailcow {

// "none", "quarantine" or "reject". NotFound where no record is one of DMARC,
// DataLoss where several are, or where one of its known tags is wrong.
// Receivers skip some of those, but whoever wrote them meant something.
absl::StatusOr<std::string> FindDmarcPolicy(
    const std::vector<std::string>& texts);

// The same without the policy.
absl::Status CheckDmarc(const std::vector<std::string>& texts);

}  // namespace mailcow

#endif  // COLLECTORS_DMARC_H_
