// The syntax of an SPF record (RFC 7208, sections 4 to 6 and 12), as a domain
// publishes it: "v=spf1 mx ip4:192.0.2.0/24 -all".

#ifndef COLLECTORS_SPF_RECORD_H_
#define COLLECTORS_SPF_RECORD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/ip_address.h"
#include "collectors/spf_macro.h"

namespace mailcow {

enum class SpfResult {
  kNone,
  kNeutral,
  kPass,
  kFail,
  kSoftFail,
  kTempError,
  kPermError,
};

struct SpfMechanism {
  enum class Kind { kAll, kInclude, kA, kMx, kPtr, kIp4, kIp6, kExists };

  Kind kind = Kind::kAll;
  std::string text = "";                // as published: "~mx/24"
  SpfResult result = SpfResult::kPass;  // of a client that it matches
  // None: that of the record.
  std::optional<SpfMacroString> domain = std::nullopt;
  IpAddress network = {};  // kIp4, kIp6
  int ipv4_bits = 32;      // kA, kMx, kIp4
  int ipv6_bits = 128;     // kA, kMx, kIp6
};

struct SpfRecord {
  std::vector<SpfMechanism> mechanisms;
  std::optional<SpfMacroString> redirect = std::nullopt;
};

// Whether a TXT record is one of SPF, by its version.
bool IsSpfRecord(absl::string_view text);

// `text` is one by IsSpfRecord. InvalidArgument names the term that is wrong.
absl::StatusOr<SpfRecord> ParseSpfRecord(absl::string_view text);

}  // namespace mailcow

#endif  // COLLECTORS_SPF_RECORD_H_
