// What DNS was asked about a mail host and its domains, and what it said.

#ifndef COLLECTORS_DNS_FACTS_H_
#define COLLECTORS_DNS_FACTS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"
#include "collectors/dns_wanted.h"
#include "collectors/host.h"
#include "collectors/spf.h"

namespace mailcow {

// An address of the host on a blocklist.
struct DnsListing {
  std::string list;
  IpAddress address;
  absl::StatusOr<bool> is_listed;
  std::string detail = "";  // the codes that the list answers with
};

struct DnsFacts {
  // Absent where no hostname is known: nothing was asked then.
  absl::StatusOr<std::optional<DnsWanted>> wanted = std::nullopt;
  absl::StatusOr<std::vector<DnsServer>> servers =
      absl::UnavailableError("nobody was asked");
  std::map<DnsQuestion, absl::StatusOr<DnsAnswer>> answers = {};
  // Of each domain and each address of the host.
  std::map<std::string, std::vector<std::pair<IpAddress, SpfVerdict>>> spf = {};
  std::vector<DnsListing> listings = {};

  // Null where no hostname is known.
  const DnsWanted* wanted_or_null() const {
    return wanted.ok() && wanted->has_value() ? &**wanted : nullptr;
  }
  // What was said; Internal for what was not asked.
  absl::StatusOr<DnsAnswer> Answer(absl::string_view name, DnsType type) const;
};

// Asks all that the topic dns needs to know. May wait.
DnsFacts ObserveDns(const DnsSettings& settings,
                    absl::string_view mailcow_directory, const Host& host);

// The public addresses of the host that are known, of both families.
std::vector<IpAddress> KnownAddresses(const DnsWanted& wanted);

}  // namespace mailcow

#endif  // COLLECTORS_DNS_FACTS_H_
