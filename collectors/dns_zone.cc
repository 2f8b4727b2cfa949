#include "collectors/dns_zone.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "collectors/dns_name.h"

namespace mailcow {
namespace {

using Family = IpAddress::Family;

std::string Line(absl::string_view name, absl::string_view type,
                 absl::string_view data) {
  return absl::StrCat(name, ". IN ", type, " ", data);
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", text, "\"");
}

}  // namespace

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
std::vector<std::string> DmarcNames(absl::string_view domain) {
  std::vector<std::string> names = {DmarcName(domain)};
  for (std::string above = ParentOf(domain); absl::StrContains(above, '.');
       above = ParentOf(above)) {
    names.push_back(DmarcName(above));
  }
  return names;
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
    if (addresses->empty() && family == Family::kIpv4) {
      Append(absl::StrCat("; ", wanted.hostname,
                          ". IN A ADDRESS, which "
                          "--dns.public-address names"),
             out);
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
