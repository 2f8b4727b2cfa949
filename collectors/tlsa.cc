#include "collectors/tlsa.h"

#include "absl/strings/str_cat.h"
#include "collectors/dkim_key.h"

namespace mailcow {
namespace {

// The numbers are those of RFC 7218.
constexpr uint8_t kDaneTa = 2;
constexpr uint8_t kDaneEe = 3;
constexpr uint8_t kCert = 0;
constexpr uint8_t kSpki = 1;
constexpr uint8_t kFull = 0;
constexpr uint8_t kSha256 = 1;
constexpr uint8_t kSha512 = 2;

absl::Status Unusable(const DnsRecord& record, absl::string_view why) {
  return absl::DataLossError(absl::StrCat("TLSA ", record.usage, " ",
                                          record.selector, " ", record.matching,
                                          " ", why));
}

absl::Status CheckSize(const DnsRecord& record, size_t bytes) {
  if (record.text.size() == bytes) return absl::OkStatus();
  return Unusable(record, absl::StrCat("has ", record.text.size(),
                                       " bytes of data, its hash has ", bytes));
}

// A certificate and a key are each one SEQUENCE.
absl::Status CheckDer(const DnsRecord& record) {
  absl::string_view rest = record.text;
  const auto contents = ConsumeDer(kDerSequence, rest);
  if (contents.has_value() && !contents->empty() && rest.empty()) {
    return absl::OkStatus();
  }
  return Unusable(record, record.selector == kCert
                              ? "holds no certificate in DER"
                              : "holds no public key in DER");
}

}  // namespace

absl::Status CheckTlsa(const DnsRecord& record) {
  if (record.usage != kDaneTa && record.usage != kDaneEe) {
    return Unusable(record, "has a usage that SMTP does not take: 2 or 3");
  }
  if (record.selector != kCert && record.selector != kSpki) {
    return Unusable(record, "has an unknown selector: 0 or 1");
  }
  switch (record.matching) {
    case kFull:
      return CheckDer(record);
    case kSha256:
      return CheckSize(record, 32);
    case kSha512:
      return CheckSize(record, 64);
    default:
      return Unusable(record, "has an unknown matching type: 0, 1 or 2");
  }
}

}  // namespace mailcow
