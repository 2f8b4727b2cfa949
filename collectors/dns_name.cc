#include "collectors/dns_name.h"

#include <idn2.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

absl::Status Invalid(absl::string_view name, absl::string_view why) {
  constexpr size_t kMost = 60;
  return absl::InvalidArgumentError(
      absl::StrCat("the name \"", absl::CHexEscape(name.substr(0, kMost)),
                   name.size() > kMost ? "...\" " : "\" ", why));
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isascii);
}

absl::StatusOr<std::string> ToAscii(absl::string_view text) {
  // Far more than a name can have, far less than would take long.
  constexpr size_t kMaxBytes = 1024;
  if (text.size() > kMaxBytes) return Invalid(text, "is too long");
  // libidn2 reads a C string: what follows a NUL would go unread.
  if (absl::StrContains(text, '\0')) return Invalid(text, "has a NUL");
  char* ascii = nullptr;
  const int error =
      idn2_to_ascii_8z(std::string(text).c_str(), &ascii, IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owner(ascii, idn2_free);
  if (error != IDN2_OK) {
    return Invalid(text,
                   absl::StrCat("has no ASCII form: ", idn2_strerror(error)));
  }
  return std::string(ascii);
}

// A label of a hostname (RFC 1123).
bool IsHostLabel(absl::string_view label) {
  return !absl::StartsWith(label, "-") && !absl::EndsWith(label, "-") &&
         std::all_of(label.begin(), label.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-';
         });
}

// Domains that are kept out of the public DNS: by RFC 6761, 6762, 7686, 8375
// and 9476, by ICANN (internal, and names that collide), and by custom.
constexpr absl::string_view kPrivateDomains[] = {
    "localhost", "localdomain", "local", "internal", "lan",
    "home",      "home.arpa",   "corp",  "intranet", "private",
    "invalid",   "onion",       "alt"};

// Networks, and how many bits of an address name them.
struct Network {
  absl::string_view address;
  int bits;
};

constexpr Network kSpecialIpv4[] = {
    {"0.0.0.0", 8},       // this network
    {"10.0.0.0", 8},      // private
    {"100.64.0.0", 10},   // behind a provider's NAT
    {"127.0.0.0", 8},     // loopback
    {"169.254.0.0", 16},  // link-local
    {"172.16.0.0", 12},   // private
    {"192.0.0.0", 24},    // protocols
    {"192.88.99.0", 24},  // relays of 6to4
    {"192.168.0.0", 16},  // private
    {"198.18.0.0", 15},   // benchmarks
    {"224.0.0.0", 4},     // multicast
    {"240.0.0.0", 4},     // reserved, and broadcast
};

// Of all IPv6 addresses, only these are assigned as global unicast,
constexpr Network kGlobalIpv6 = {"2000::", 3};
// but for those.
constexpr Network kSpecialIpv6[] = {
    {"2001::", 23},  // protocols: Teredo, benchmarks, ORCHID
    {"2002::", 16},  // 6to4
};

bool IsIn(const IpAddress& address, const Network& network) {
  const absl::StatusOr<IpAddress> base = ParseIpAddress(network.address);
  if (!base.ok() || base->family != address.family) return false;
  const auto whole = static_cast<size_t>(network.bits / 8);
  const int shift = 8 - network.bits % 8;
  return std::equal(address.bytes.begin(),
                    address.bytes.begin() + static_cast<ptrdiff_t>(whole),
                    base->bytes.begin()) &&
         (shift == 8 ||
          address.bytes[whole] >> shift == base->bytes[whole] >> shift);
}

}  // namespace

absl::StatusOr<std::string> NormalizeDnsName(absl::string_view text) {
  constexpr size_t kMaxName = 253;
  constexpr size_t kMaxLabel = 63;
  std::string name(text);
  if (!IsAscii(text)) {
    absl::StatusOr<std::string> ascii = ToAscii(text);
    if (!ascii.ok()) return ascii.status();
    name = *std::move(ascii);
  }
  absl::AsciiStrToLower(&name);
  if (absl::EndsWith(name, ".")) name.pop_back();
  if (name.empty()) return Invalid(text, "is empty");
  if (name.size() > kMaxName) {
    return Invalid(text, absl::StrCat("is longer than ", kMaxName));
  }
  const bool is_printable = std::all_of(
      name.begin(), name.end(),
      [](unsigned char c) { return absl::ascii_isgraph(c) && c != '\\'; });
  if (!is_printable) {
    return Invalid(text, "has a space, a backslash or a control character");
  }
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (label.empty()) return Invalid(text, "has an empty label");
    if (label.size() > kMaxLabel) {
      return Invalid(text, absl::StrCat("has a label longer than ", kMaxLabel));
    }
  }
  return name;
}

absl::Status CheckQualified(absl::string_view hostname) {
  const std::vector<absl::string_view> labels = absl::StrSplit(hostname, '.');
  for (const absl::string_view label : labels) {
    if (label.empty()) return Invalid(hostname, "has an empty label");
    if (!IsHostLabel(label)) {
      return Invalid(hostname,
                     absl::StrCat("has the label \"", absl::CHexEscape(label),
                                  "\", which is not letters, digits and inner "
                                  "hyphens"));
    }
  }
  for (const absl::string_view domain : kPrivateDomains) {
    if (hostname == domain ||
        absl::EndsWith(hostname, absl::StrCat(".", domain))) {
      return Invalid(hostname, absl::StrCat("is of \"", domain,
                                            "\", which is not in the public "
                                            "DNS"));
    }
  }
  if (labels.size() < 2) return Invalid(hostname, "has no domain");
  const absl::string_view top = labels.back();
  if (std::all_of(top.begin(), top.end(), absl::ascii_isdigit)) {
    return Invalid(hostname, "ends in a number, as only addresses do");
  }
  return absl::OkStatus();
}

std::string ParentOf(absl::string_view name) {
  const size_t dot = name.find('.');
  return dot == absl::string_view::npos ? ""
                                        : std::string(name.substr(dot + 1));
}

std::string ReverseName(const IpAddress& address) {
  if (address.family == IpAddress::Family::kIpv4) {
    return absl::StrCat(address.bytes[3], ".", address.bytes[2], ".",
                        address.bytes[1], ".", address.bytes[0],
                        ".in-addr.arpa");
  }
  std::string name;
  for (auto byte = address.bytes.rbegin(); byte != address.bytes.rend();
       ++byte) {
    absl::StrAppend(&name, absl::Hex(*byte & 0xf), ".", absl::Hex(*byte >> 4),
                    ".");
  }
  return absl::StrCat(name, "ip6.arpa");
}

bool IsPublic(const IpAddress& address) {
  const auto holds = [&address](const Network& network) {
    return IsIn(address, network);
  };
  if (address.family == IpAddress::Family::kIpv4) {
    return std::none_of(std::begin(kSpecialIpv4), std::end(kSpecialIpv4),
                        holds);
  }
  return holds(kGlobalIpv6) &&
         std::none_of(std::begin(kSpecialIpv6), std::end(kSpecialIpv6), holds);
}

}  // namespace mailcow
