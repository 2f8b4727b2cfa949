// Where a domain wants to be told how TLS of mail to it went: the TXT record at
// _smtp._tls, by RFC 8460.

#ifndef COLLECTORS_TLS_RPT_H_
#define COLLECTORS_TLS_RPT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace mailcow {

// NotFound where none of the TXT records is one of TLS-RPT, DataLoss where
// several are or where nobody can send a report by it.
absl::Status CheckTlsRpt(const std::vector<std::string>& texts);

}  // namespace mailcow

#endif  // COLLECTORS_TLS_RPT_H_
