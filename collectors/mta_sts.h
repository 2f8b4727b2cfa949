// Whether a domain says that it has a policy for the TLS of mail to it: the TXT
// record at _mta-sts, by RFC 8461. The policy itself is a page of the web.

#ifndef COLLECTORS_MTA_STS_H_
#define COLLECTORS_MTA_STS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace mailcow {

// NotFound where none of the TXT records is one of MTA-STS, DataLoss where
// several are or where servers that send mail cannot use it.
absl::Status CheckMtaSts(const std::vector<std::string>& texts);

}  // namespace mailcow

#endif  // COLLECTORS_MTA_STS_H_
