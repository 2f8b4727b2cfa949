#include "exporter/dns_rdata.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

// glibc writes the root as ".".
std::string Lower(absl::string_view name) {
  return name == "." ? "" : absl::AsciiStrToLower(name);
}

// Reads one part after the other; what is not there is remembered.
class Reader {
 public:
  Reader(const ns_msg& message, const ns_rr& record)
      : message_(message),
        next_(ns_rr_rdata(record)),
        end_(next_ + ns_rr_rdlen(record)) {}

  bool is_sound() const { return is_sound_; }
  bool is_at_end() const { return next_ == end_; }

  uint8_t Byte() {
    const absl::string_view byte = Bytes(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
  }

  uint16_t Number() {
    const int high = Byte();
    const int low = Byte();
    return static_cast<uint16_t>(high << 8 | low);
  }

  absl::string_view Bytes(size_t size) {
    if (size > static_cast<size_t>(end_ - next_)) {
      is_sound_ = false;
      next_ = end_;
      return "";
    }
    const absl::string_view bytes(reinterpret_cast<const char*>(next_), size);
    next_ += size;
    return bytes;
  }

  absl::string_view Rest() { return Bytes(static_cast<size_t>(end_ - next_)); }

  std::string Name() {
    std::array<char, NS_MAXDNAME> name;
    const int size =
        ns_name_uncompress(ns_msg_base(message_), ns_msg_end(message_), next_,
                           name.data(), name.size());
    // A name that ends beyond the data of its record is cut short.
    if (size < 0 || size > end_ - next_) {
      is_sound_ = false;
      next_ = end_;
      return "";
    }
    next_ += size;
    return Lower(name.data());
  }

 private:
  const ns_msg& message_;
  const unsigned char* next_;
  const unsigned char* const end_;
  bool is_sound_ = true;
};

DnsRecord ReadAddress(Reader& in, IpAddress::Family family, size_t size) {
  const absl::string_view bytes = in.Bytes(size);
  if (bytes.empty()) return {};
  return {.address = FromBytes(family, bytes.data())};
}

DnsRecord ReadText(Reader& in) {
  DnsRecord record;
  // There is at least one string.
  do {
    absl::StrAppend(&record.text, in.Bytes(in.Byte()));
  } while (!in.is_at_end());
  return record;
}

DnsRecord ReadService(Reader& in) {
  DnsRecord record;
  record.preference = in.Number();
  record.weight = in.Number();
  record.port = in.Number();
  record.name = in.Name();
  return record;
}

DnsRecord ReadAuthorization(Reader& in) {
  constexpr unsigned kCritical = 0x80;
  DnsRecord record;
  record.is_critical = (in.Byte() & kCritical) != 0;
  record.tag = absl::AsciiStrToLower(in.Bytes(in.Byte()));
  record.text = std::string(in.Rest());
  return record;
}

DnsRecord ReadCertificate(Reader& in) {
  DnsRecord record;
  record.usage = in.Byte();
  record.selector = in.Byte();
  record.matching = in.Byte();
  record.text = std::string(in.Rest());
  return record;
}

DnsRecord Read(DnsType type, Reader& in) {
  switch (type) {
    case DnsType::kA:
      return ReadAddress(in, IpAddress::Family::kIpv4, NS_INADDRSZ);
    case DnsType::kAaaa:
      return ReadAddress(in, IpAddress::Family::kIpv6, NS_IN6ADDRSZ);
    case DnsType::kCname:
    case DnsType::kPtr:
      return {.name = in.Name()};
    case DnsType::kMx: {
      const uint16_t preference = in.Number();
      return {.name = in.Name(), .preference = preference};
    }
    case DnsType::kTxt:
      return ReadText(in);
    case DnsType::kSrv:
      return ReadService(in);
    case DnsType::kTlsa:
      return ReadCertificate(in);
    case DnsType::kCaa:
      return ReadAuthorization(in);
  }
  in.Rest();
  return {};
}

}  // namespace

std::string OwnerOf(const ns_rr& record) { return Lower(ns_rr_name(record)); }

absl::StatusOr<DnsRecord> ParseRdata(const ns_msg& message,
                                     const ns_rr& record) {
  Reader in(message, record);
  DnsRecord parsed = Read(static_cast<DnsType>(ns_rr_type(record)), in);
  if (in.is_sound() && in.is_at_end()) return parsed;
  return absl::DataLossError(
      absl::StrCat("its answer has a malformed record of ", OwnerOf(record),
                   ", of type ", static_cast<int>(ns_rr_type(record))));
}

}  // namespace mailcow
