#include "collectors/dns_wanted.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
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

std::string Line(absl::string_view name, absl::string_view type,
                 absl::string_view data) {
  return absl::StrCat(name, ". IN ", type, " ", data);
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", text, "\"");
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
  const std::string parent = ParentOf(*name);
  absl::StatusOr<std::vector<std::string>> domains =
      NamesOf(settings.domains.empty() && !parent.empty() ? std::vector{parent}
                                                          : settings.domains);
  if (!domains.ok()) return domains.status();
  absl::StatusOr<std::vector<std::string>> blocklists =
      NamesOf(settings.blocklists);
  if (!blocklists.ok()) return blocklists.status();
  const auto own = host.kernel.Addresses();
  return DnsWanted{.hostname = *std::move(name),
                   .domains = *std::move(domains),
                   .ipv4 = PublicAddresses(settings, own, Family::kIpv4),
                   .ipv6 = PublicAddresses(settings, own, Family::kIpv6),
                   .services = conf.ok()
                                   ? ReadServices(*conf, [&own] { return own; })
                                   : conf.status(),
                   .blocklists = *std::move(blocklists)};
}

std::string AutodiscoverName(absl::string_view domain) {
  return absl::StrCat("autodiscover.", domain);
}
std::string AutoconfigName(absl::string_view domain) {
  return absl::StrCat("autoconfig.", domain);
}
std::string DkimName(absl::string_view domain) {
  return absl::StrCat("dkim._domainkey.", domain);
}
std::string DmarcName(absl::string_view domain) {
  return absl::StrCat("_dmarc.", domain);
}
std::string MtaStsName(absl::string_view domain) {
  return absl::StrCat("_mta-sts.", domain);
}
std::string TlsRptName(absl::string_view domain) {
  return absl::StrCat("_smtp._tls.", domain);
}
std::string TlsaName(absl::string_view hostname) {
  return absl::StrCat("_25._tcp.", hostname);
}
std::string ServiceName(const DnsService& service, absl::string_view domain) {
  return absl::StrCat(service.name, ".", domain);
}

std::string AddressLine(absl::string_view hostname, const IpAddress& address) {
  return Line(hostname, address.family == Family::kIpv4 ? "A" : "AAAA",
              ToString(address));
}
std::string PointerLine(const IpAddress& address, absl::string_view hostname) {
  return Line(ReverseName(address), "PTR", absl::StrCat(hostname, "."));
}
std::string MxLine(absl::string_view domain, absl::string_view hostname) {
  return Line(domain, "MX", absl::StrCat("10 ", hostname, "."));
}
std::string AliasLine(absl::string_view name, absl::string_view hostname) {
  return Line(name, "CNAME", absl::StrCat(hostname, "."));
}
std::string SpfLine(absl::string_view domain) {
  return Line(domain, "TXT", Quoted("v=spf1 mx a -all"));
}
std::string DkimLine(absl::string_view domain) {
  return Line(DkimName(domain), "TXT",
              Quoted("v=DKIM1; k=rsa; t=s; s=email; p=KEY"));
}
std::string DmarcLine(absl::string_view domain) {
  return Line(DmarcName(domain), "TXT",
              Quoted(absl::StrCat("v=DMARC1; p=reject; rua=mailto:postmaster@",
                                  domain)));
}
std::string MtaStsLine(absl::string_view domain) {
  return Line(MtaStsName(domain), "TXT", Quoted("v=STSv1; id=1"));
}
std::string TlsaLine(absl::string_view hostname) {
  return Line(TlsaName(hostname), "TLSA", "3 1 1 HASH");
}
std::string TlsRptLine(absl::string_view domain) {
  return Line(
      TlsRptName(domain), "TXT",
      Quoted(absl::StrCat("v=TLSRPTv1; rua=mailto:postmaster@", domain)));
}
std::string CaaLine(absl::string_view hostname) {
  return Line(hostname, "CAA", "0 issue \"letsencrypt.org\"");
}
std::string ServiceLine(const DnsService& service, absl::string_view domain,
                        absl::string_view hostname) {
  return Line(ServiceName(service, domain), "SRV",
              absl::StrCat("0 1 ", service.port, " ", hostname, "."));
}

namespace {

void Append(absl::string_view line, std::string& out) {
  absl::StrAppend(&out, line, "\n");
}

void AppendDomain(const DnsWanted& wanted, absl::string_view domain,
                  std::string& out) {
  Append(absl::StrCat("\n; of the domain ", domain), out);
  Append(MxLine(domain, wanted.hostname), out);
  for (const std::string& name :
       {AutodiscoverName(domain), AutoconfigName(domain)}) {
    Append(AliasLine(name, wanted.hostname), out);
  }
  Append(SpfLine(domain), out);
  Append(DmarcLine(domain), out);
  Append("; KEY is in mailcow: Configuration, ARC/DKIM keys", out);
  Append(absl::StrCat("; ", DkimLine(domain)), out);
  Append(TlsRptLine(domain), out);
  Append(absl::StrCat("; with a policy at https://mta-sts.", domain,
                      "/.well-known/mta-sts.txt"),
         out);
  Append(absl::StrCat("; ", MtaStsLine(domain)), out);
  if (!wanted.services.ok()) {
    Append(absl::StrCat("; SRV: ", wanted.services.status().message()), out);
    return;
  }
  for (const DnsService& service : *wanted.services) {
    Append(ServiceLine(service, domain, wanted.hostname), out);
  }
}

}  // namespace

std::string ZoneText(const DnsWanted& wanted) {
  std::string out = "$TTL 3600\n";
  Append(absl::StrCat("; of the host ", wanted.hostname), out);
  std::string pointers;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto& addresses = wanted.addresses(family);
    if (!addresses.ok()) {
      Append(absl::StrCat("; ", addresses.status().message()), out);
      continue;
    }
    for (const IpAddress& address : *addresses) {
      Append(AddressLine(wanted.hostname, address), out);
      Append(absl::StrCat("; ", PointerLine(address, wanted.hostname)),
             pointers);
    }
  }
  Append(CaaLine(wanted.hostname), out);
  Append("; HASH is the SHA-256 of the certificate's public key", out);
  Append(absl::StrCat("; ", TlsaLine(wanted.hostname)), out);
  for (const std::string& domain : wanted.domains) {
    AppendDomain(wanted, domain, out);
  }
  absl::StrAppend(&out,
                  "\n; in the reverse zones, which whoever gave the addresses "
                  "keeps\n",
                  pointers);
  return out;
}

}  // namespace mailcow
