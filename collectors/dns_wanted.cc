#include "collectors/dns_wanted.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/dns_name.h"
#include "collectors/mailcow_conf.h"
#include "collectors/port_value.h"

namespace mailcow {
namespace {

using Family = IpAddress::Family;

// https://docs.mailcow.email/getstarted/prerequisite-dns/
struct ServiceDefinition {
  absl::string_view name;
  absl::string_view variable;  // of mailcow.conf, of its port
};
constexpr ServiceDefinition kServices[] = {
    {"_autodiscover._tcp", "HTTPS_PORT"},
    {"_caldavs._tcp", "HTTPS_PORT"},
    {"_carddavs._tcp", "HTTPS_PORT"},
    {"_imap._tcp", "IMAP_PORT"},
    {"_imaps._tcp", "IMAPS_PORT"},
    {"_pop3._tcp", "POP_PORT"},
    {"_pop3s._tcp", "POPS_PORT"},
    {"_sieve._tcp", "SIEVE_PORT"},
    {"_smtps._tcp", "SMTPS_PORT"},
    {"_submission._tcp", "SUBMISSION_PORT"},
    {"_submissions._tcp", "SMTPS_PORT"},
};

absl::StatusOr<std::vector<DnsService>> ReadServices(const MailcowConf& conf,
                                                     AddressSource addresses) {
  std::vector<DnsService> services;
  for (const ServiceDefinition& service : kServices) {
    for (const PortDefinition& port : PortDefinitions()) {
      if (port.variable != service.variable) continue;
      const absl::StatusOr<Bind> bind =
          ParsePortValue(port, conf, addresses).bind;
      // The topic ports says what is wrong with it.
      if (!bind.ok()) continue;
      services.push_back({std::string(service.name), bind->port});
    }
  }
  return services;
}

std::vector<IpAddress> OfFamily(const std::vector<IpAddress>& addresses,
                                Family family) {
  std::vector<IpAddress> found;
  for (const IpAddress& address : addresses) {
    if (address.family != family) continue;
    if (std::find(found.begin(), found.end(), address) != found.end()) continue;
    found.push_back(address);
  }
  return found;
}

// The IPv6 addresses that a host has for a time only: temporary ones, for its
// own privacy, and those that it is to give up or does not have yet.
std::vector<IpAddress> PassingAddresses(const Files& files) {
  // IFA_F_TEMPORARY, IFA_F_DADFAILED, IFA_F_DEPRECATED and IFA_F_TENTATIVE.
  constexpr uint32_t kPassing = 0x01 | 0x08 | 0x20 | 0x40;
  std::vector<IpAddress> passing;
  const std::string text = files.Read("/proc/net/if_inet6").value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    // The address, and after its interface, prefix and scope its flags.
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint32_t flags = 0;
    if (fields.size() < 6 || fields[0].size() != 32 ||
        !absl::SimpleHexAtoi(fields[4], &flags) || (flags & kPassing) == 0) {
      continue;
    }
    const std::string bytes = absl::HexStringToBytes(fields[0]);
    passing.push_back(FromBytes(Family::kIpv6, bytes.data()));
  }
  return passing;
}

absl::StatusOr<std::vector<IpAddress>> AddressesOf(
    const std::vector<std::string>& words) {
  std::vector<IpAddress> addresses;
  for (const std::string& word : words) {
    const absl::StatusOr<IpAddress> address = ParseIpAddress(word);
    if (!address.ok()) return address.status();
    addresses.push_back(*address);
  }
  return addresses;
}

// The addresses of that family that the world reaches the host at.
absl::StatusOr<std::vector<IpAddress>> PublicAddresses(
    const DnsSettings& settings,
    const absl::StatusOr<std::vector<IpAddress>>& own, Family family) {
  const auto given = AddressesOf(settings.public_addresses);
  if (!given.ok()) return given.status();
  // Who names one has named all there are.
  if (!given->empty()) return OfFamily(*given, family);
  if (!own.ok()) return own.status();
  std::vector<IpAddress> is_public;
  for (const IpAddress& address : OfFamily(*own, family)) {
    if (IsPublic(address)) is_public.push_back(address);
  }
  return is_public;
}

// The name as it may stand in a zone without quotes.
absl::StatusOr<std::string> ZoneName(absl::string_view text) {
  absl::StatusOr<std::string> name = NormalizeDnsName(text);
  if (!name.ok()) return name;
  for (const char c : *name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
        c == '-' || c == '_') {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("\"", *name, "\" is not the name of a host or a domain"));
  }
  return name;
}

// The domain of a host: its parent, unless that is a top level domain, in which
// nobody has mail. A name that is not qualified has none.
std::vector<std::string> DomainOf(const std::string& hostname) {
  const std::string parent = ParentOf(hostname);
  if (parent.empty()) return {};
  return {absl::StrContains(parent, '.') ? parent : hostname};
}

absl::StatusOr<std::vector<std::string>> NamesOf(
    const std::vector<std::string>& names) {
  std::vector<std::string> normalized;
  for (const std::string& name : names) {
    absl::StatusOr<std::string> one = ZoneName(name);
    if (!one.ok()) return one.status();
    if (std::find(normalized.begin(), normalized.end(), *one) ==
        normalized.end()) {
      normalized.push_back(*std::move(one));
    }
  }
  return normalized;
}

}  // namespace

absl::StatusOr<std::optional<DnsWanted>> ReadDnsWanted(
    const DnsSettings& settings, absl::string_view mailcow_directory,
    const Host& host) {
  const absl::StatusOr<MailcowConf> conf =
      ReadMailcowConf(host.files, mailcow_directory);
  std::string hostname = settings.hostname;
  if (hostname.empty()) {
    if (!conf.ok()) return conf.status();
    const auto named = conf->Get("MAILCOW_HOSTNAME", "");
    if (!named.ok()) return named.status();
    hostname = *named;
  }
  if (hostname.empty()) return std::nullopt;
  absl::StatusOr<std::string> name = ZoneName(hostname);
  if (!name.ok()) return name.status();
  absl::StatusOr<std::vector<std::string>> domains =
      NamesOf(settings.domains.empty() ? DomainOf(*name) : settings.domains);
  if (!domains.ok()) return domains.status();
  absl::StatusOr<std::vector<std::string>> blocklists =
      NamesOf(settings.blocklists);
  if (!blocklists.ok()) return blocklists.status();
  absl::StatusOr<std::vector<IpAddress>> own = host.kernel.Addresses();
  if (own.ok()) {
    for (const IpAddress& passing : PassingAddresses(host.files)) {
      std::erase(*own, passing);
    }
  }
  return DnsWanted{
      .hostname = *std::move(name),
      .domains = *std::move(domains),
      .is_given = !settings.public_addresses.empty(),
      .ipv4 = PublicAddresses(settings, own, Family::kIpv4),
      .ipv6 = PublicAddresses(settings, own, Family::kIpv6),
      .services =
          conf.ok()
              ? ReadServices(*conf, [&] { return host.kernel.Addresses(); })
              : conf.status(),
      .blocklists = *std::move(blocklists)};
}

}  // namespace mailcow
