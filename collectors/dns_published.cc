#include "collectors/dns_published.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_join.h"

namespace mailcow {
namespace {

// As a line of a zone has it, behind the name.
std::string DataOf(const DnsRecord& record, DnsType type) {
  switch (type) {
    case DnsType::kA:
      return absl::StrCat("A ", ToString(record.address));
    case DnsType::kAaaa:
      return absl::StrCat("AAAA ", ToString(record.address));
    case DnsType::kCname:
      return absl::StrCat("CNAME ", record.name, ".");
    case DnsType::kPtr:
      return absl::StrCat("PTR ", record.name, ".");
    case DnsType::kMx:
      return absl::StrCat("MX ", record.preference, " ", record.name, ".");
    case DnsType::kTxt:
      return absl::StrCat("TXT \"", absl::CHexEscape(record.text), "\"");
    case DnsType::kSrv:
      return absl::StrCat("SRV ", record.preference, " ", record.weight, " ",
                          record.port, " ", record.name, ".");
    case DnsType::kTlsa:
      return absl::StrCat("TLSA ", record.usage, " ", record.selector, " ",
                          record.matching, " ",
                          absl::BytesToHexString(record.text));
    case DnsType::kCaa:
      return absl::StrCat("CAA ", record.is_critical ? 128 : 0, " ", record.tag,
                          " \"", absl::CHexEscape(record.text), "\"");
  }
  return "";
}

}  // namespace

std::string Published(const DnsAnswer& answer, DnsType type) {
  if (!answer.name_exists) return "the name does not exist";
  if (answer.records.empty()) return "no such record is published";
  return absl::StrCat(
      "published: ",
      absl::StrJoin(answer.records, ", ",
                    [type](std::string* out, const DnsRecord& record) {
                      absl::StrAppend(out, DataOf(record, type));
                    }));
}

Reading Held(bool is_right, std::string detail, absl::string_view line) {
  return {.labels = {},
          .value = is_right ? 1 : 0,
          .detail = std::move(detail),
          .remedy = absl::StrCat("publish: ", line)};
}

Reading Told(bool is_right, std::string detail, absl::string_view line) {
  Reading reading = Held(is_right, std::move(detail), line);
  if (!is_right) absl::StrAppend(&reading.detail, "; ", reading.remedy);
  reading.remedy.clear();
  return reading;
}

}  // namespace mailcow
