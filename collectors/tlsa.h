// TLSA records as servers that send mail take them: RFC 6698, and RFC 7672 for
// SMTP.

#ifndef COLLECTORS_TLSA_H_
#define COLLECTORS_TLSA_H_

#include "absl/status/status.h"
#include "collectors/dns_record.h"

namespace mailcow {

// DataLoss where a server that sends mail cannot use the record, and says why.
absl::Status CheckTlsa(const DnsRecord& record);

}  // namespace mailcow

#endif  // COLLECTORS_TLSA_H_
