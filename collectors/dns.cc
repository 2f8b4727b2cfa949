#include "collectors/dns.h"

#include <utility>

#include "collectors/dns_facts.h"
#include "collectors/dns_judge.h"

namespace mailcow {
namespace {

constexpr Rule<DnsFacts> kRules[] = {
    {{.id = "dns_hostname_qualified",
      .required = Yes(),
      .what = "The name of the mail host is one that the world can look up",
      .remedy = "set MAILCOW_HOSTNAME in mailcow.conf to a name such as "
                "mail.example.org",
      .source = "MAILCOW_HOSTNAME of mailcow.conf"},
     HostnameQualified},
    {{.id = "dns_hostname_not_alias",
      .required = Yes(),
      .what = "The name of the mail host is no CNAME",
      .remedy = "publish its addresses in place of the CNAME",
      .source = "CNAME of the hostname"},
     HostnameNotAlias},
    {{.id = "dns_address_matches",
      .required = Yes(),
      .what = "All addresses that the hostname is published with are this "
              "host's",
      .remedy = "publish the addresses of this host",
      .source = "A and AAAA of the hostname, addresses of the host"},
     AddressMatches},
    {{.id = "dns_pointer_matches",
      .required = Yes(),
      .what = "Every public address of this host has the hostname as its name, "
              "and no other",
      .remedy = "have whoever gave you the address publish its PTR",
      .source = "PTR of each address"},
     PointerMatches},
    {{.id = "dns_mx_matches",
      .required = Yes(),
      .what = "Mail for the domain is sent to this host first",
      .remedy = "publish an MX",
      .source = "MX of the domain"},
     MxMatches},
    {{.id = "dns_autodiscover_matches",
      .recommended = Yes(),
      .what = "Outlook finds this host by autodiscover.DOMAIN",
      .remedy = "publish a CNAME",
      .source = "CNAME, A and AAAA of autodiscover.DOMAIN"},
     AutodiscoverMatches},
    {{.id = "dns_autoconfig_matches",
      .recommended = Yes(),
      .what = "Thunderbird finds this host by autoconfig.DOMAIN",
      .remedy = "publish a CNAME",
      .source = "CNAME, A and AAAA of autoconfig.DOMAIN"},
     AutoconfigMatches},
    {{.id = "dns_spf_permits",
      .recommended = Yes(),
      .what = "The SPF record of the domain permits every public address of "
              "this host to send its mail",
      .remedy = "publish an SPF record",
      .source = "TXT of the domain, by RFC 7208"},
     SpfPermits},
    {{.id = "dns_dkim_usable",
      .recommended = Yes(),
      .what = "A usable DKIM key is published at dkim._domainkey.DOMAIN",
      .remedy = "publish the key that mailcow made",
      .source = "TXT of dkim._domainkey.DOMAIN, by RFC 6376"},
     DkimUsable},
    {{.id = "dns_dmarc_valid",
      .recommended = Yes(),
      .what = "A valid DMARC policy is published at _dmarc.DOMAIN",
      .remedy = "publish a DMARC record",
      .source = "TXT of _dmarc.DOMAIN, by RFC 7489"},
     DmarcValid},
    {{.id = "dns_srv_matches",
      .what = "The SRV record names this host and the port of mailcow.conf",
      .source = "SRV of the service, mailcow.conf"},
     SrvMatches},
    {{.id = "dns_tlsa_usable",
      .what = "A TLSA record for port 25 is published that mail servers can "
              "use",
      .source = "TLSA of _25._tcp.HOSTNAME, by RFC 7672"},
     TlsaUsable},
    {{.id = "dns_caa_permits_letsencrypt",
      .what = "CAA records let Let's Encrypt issue a certificate for the "
              "hostname",
      .source = "CAA of the hostname and its parents, by RFC 8659"},
     CaaPermits},
    {{.id = "dns_mta_sts_valid",
      .what = "A valid MTA-STS record is published at _mta-sts.DOMAIN",
      .source = "TXT of _mta-sts.DOMAIN, by RFC 8461"},
     MtaStsValid},
    {{.id = "dns_tls_rpt_valid",
      .what = "A valid record for reports on TLS is published at "
              "_smtp._tls.DOMAIN",
      .source = "TXT of _smtp._tls.DOMAIN, by RFC 8460"},
     TlsRptValid},
    {{.id = "dns_blocklist_listed",
      .what = "The blocklist lists an address of this host",
      .source = "A below the list"},
     BlocklistListed},
    {{.id = "dns_answer_authenticated",
      .what = "DNSSEC proves what is said of the name, as a resolver says that "
              "is trusted",
      .source = "the AD bit of the answer"},
     AnswerAuthenticated},
    {{.id = "dns_resolver_reachable",
      .what = "The resolver answers, as it last did; DNS is asked every five "
              "minutes by default",
      .source = "resolv.conf, --dns.resolver"},
     ResolverReachable},
    {{.id = "dns_resolver_round_trip",
      .unit = Unit::kSeconds,
      .what = "Time until the resolver answered, when it was last asked",
      .source = "resolv.conf, --dns.resolver"},
     ResolverRoundTrip},
};

}  // namespace

std::unique_ptr<Collector> MakeDnsCollector(DnsSettings settings,
                                            std::string mailcow_directory) {
  return std::make_unique<RuleCollector<DnsFacts>>(Topic<DnsFacts>{
      .name = "dns",
      .observe =
          [settings = std::move(settings),
           directory = std::move(mailcow_directory)](const Host& host) {
            return ObserveDns(settings, directory, host);
          },
      .rules = kRules,
      .cadence =
          Cadence{.every = absl::Seconds(15), .allowance = absl::Minutes(1)}});
}

}  // namespace mailcow
