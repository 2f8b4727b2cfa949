// The data of one record in a message of the domain name system.

#ifndef EXPORTER_DNS_RDATA_H_
#define EXPORTER_DNS_RDATA_H_

#include <arpa/nameser.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"

namespace mailcow {

// As it stands in a message, but in lower case.
std::string OwnerOf(const ns_rr& record);

// DataLoss for what is not as its type has it. Nothing is read from a type that
// is not known.
absl::StatusOr<DnsRecord> ParseRdata(const ns_msg& message,
                                     const ns_rr& record);

}  // namespace mailcow

#endif  // EXPORTER_DNS_RDATA_H_
