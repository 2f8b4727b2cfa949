#include "collectors/port_value.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

constexpr PortDefinition kPorts[] = {
    {"smtp", "SMTP_PORT", 25, "postfix-mailcow"},
    {"smtps", "SMTPS_PORT", 465, "postfix-mailcow"},
    {"submission", "SUBMISSION_PORT", 587, "postfix-mailcow"},
    {"imap", "IMAP_PORT", 143, "dovecot-mailcow"},
    {"imaps", "IMAPS_PORT", 993, "dovecot-mailcow"},
    {"pop3", "POP_PORT", 110, "dovecot-mailcow"},
    {"pop3s", "POPS_PORT", 995, "dovecot-mailcow"},
    {"sieve", "SIEVE_PORT", 4190, "dovecot-mailcow"},
    {"http", "HTTP_PORT", 80, "nginx-mailcow", "HTTP_BIND"},
    {"https", "HTTPS_PORT", 443, "nginx-mailcow", "HTTPS_BIND"},
};

// mailcow's own nginx, PHP and Dovecot use these inside its network.
constexpr uint16_t kForbiddenWebPorts[] = {8081, 9081, 9082, 65510};

// Only what looks like a port or an address is repeated in a message: a line
// of mailcow.conf that went wrong may hold a password.
std::string Quoted(absl::string_view variable, absl::string_view value) {
  const bool is_harmless =
      value.size() <= 48 &&
      value.find_first_not_of("0123456789.:[]") == absl::string_view::npos;
  return is_harmless ? absl::StrCat(variable, "=", value)
                     : std::string(variable);
}

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port;
  if (text.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) {
    return absl::InvalidArgumentError("not a port from 1 to 65535");
  }
  return static_cast<uint16_t>(port);
}

// "25" or "192.0.2.1:25", the address from `separate_address` if that is set.
absl::StatusOr<Bind> ParseBind(const PortDefinition& definition,
                               absl::string_view value,
                               absl::string_view separate_address) {
  const size_t colon = value.rfind(':');
  const bool has_address = colon != absl::string_view::npos;
  const absl::StatusOr<uint16_t> port =
      ParsePort(has_address ? value.substr(colon + 1) : value);
  if (!port.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(definition.variable, value), " is ", port.status().message()));
  }
  if (!has_address && separate_address.empty()) {
    return Bind{.address = std::nullopt, .port = *port};
  }
  const absl::StatusOr<IpAddress> parsed =
      ParseIpAddress(has_address ? value.substr(0, colon) : separate_address);
  // mailcow takes the first colon for the end of the address.
  if (!parsed.ok() ||
      (has_address && parsed->family != IpAddress::Family::kIpv4)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the address in ",
        has_address ? definition.variable : definition.bind_variable,
        " is not an ", has_address ? "IPv4" : "IP", " address"));
  }
  return Bind{.address = *parsed, .port = *port};
}

// Linux binds all of 127.0.0.0/8, though the interface bears only 127.0.0.1.
bool IsIpv4Loopback(const IpAddress& address) {
  return address.family == IpAddress::Family::kIpv4 && address.bytes[0] == 127;
}

absl::StatusOr<std::string> Complaint(const PortDefinition& definition,
                                      absl::string_view value,
                                      const absl::StatusOr<Bind>& bind,
                                      AddressSource addresses) {
  if (!bind.ok()) return std::string(bind.status().message());
  const bool is_web = !definition.bind_variable.empty();
  if (is_web && value.find(':') != absl::string_view::npos) {
    return absl::StrCat(Quoted(definition.variable, value),
                        " must be a bare port, its address belongs to ",
                        definition.bind_variable);
  }
  if (is_web && std::count(std::begin(kForbiddenWebPorts),
                           std::end(kForbiddenWebPorts), bind->port) > 0) {
    return absl::StrCat(
        Quoted(definition.variable, value),
        " is a port that mailcow's own services use: 8081, 9081, "
        "9082 and 65510 are not to be had");
  }
  if (!bind->address.has_value() || bind->address->IsWildcard()) return "";
  if (IsIpv4Loopback(*bind->address)) return "";
  const absl::StatusOr<std::vector<IpAddress>> own = addresses();
  if (!own.ok()) return own.status();
  if (std::count(own->begin(), own->end(), *bind->address) == 0) {
    return absl::StrCat(is_web ? definition.bind_variable : definition.variable,
                        " asks for ", ToString(*bind->address),
                        ", which is no address of this host");
  }
  return "";
}

}  // namespace

absl::Span<const PortDefinition> PortDefinitions() { return kPorts; }

bool Conflicts(const Bind& bind, const Listener& listener) {
  if (bind.port != listener.port) return false;
  if (!bind.address.has_value()) return true;
  const IpAddress& wanted = *bind.address;
  const IpAddress& taken = listener.address;
  if (wanted.family == taken.family) {
    return wanted == taken || wanted.IsWildcard() || taken.IsWildcard();
  }
  // [::] takes IPv4 too, unless the socket is IPv6-only. Docker binds an IPv6
  // address with an IPv6-only socket.
  return taken.family == IpAddress::Family::kIpv6 && taken.IsWildcard() &&
         !listener.ipv6_only;
}

bool Overlap(const Bind& one, const Bind& other) {
  if (one.port != other.port) return false;
  if (!one.address.has_value() || !other.address.has_value()) return true;
  return one.address->family == other.address->family &&
         (*one.address == *other.address || one.address->IsWildcard() ||
          other.address->IsWildcard());
}

PortValue ParsePortValue(const PortDefinition& definition,
                         const MailcowConf& conf, AddressSource addresses) {
  const absl::StatusOr<std::string> value =
      conf.Get(definition.variable, absl::StrCat(definition.default_port));
  const absl::StatusOr<std::string> separate_address =
      conf.Get(definition.bind_variable, "");
  for (const absl::Status& status :
       {value.status(), separate_address.status()}) {
    if (!status.ok()) return {status, std::string(status.message())};
  }
  absl::StatusOr<Bind> bind = ParseBind(definition, *value, *separate_address);
  absl::StatusOr<std::string> complaint =
      Complaint(definition, *value, bind, addresses);
  return {std::move(bind), std::move(complaint)};
}

}  // namespace mailcow
