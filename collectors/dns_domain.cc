// The part of dns_judge.h that is of each domain, but for its policies.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/dns_judge.h"
#include "collectors/dns_published.h"
#include "collectors/dns_zone.h"

namespace mailcow {
namespace {

bool MxIsHost(const DnsAnswer& answer, const std::string& hostname) {
  const auto best =
      std::min_element(answer.records.begin(), answer.records.end(),
                       [](const DnsRecord& one, const DnsRecord& other) {
                         return one.preference < other.preference;
                       });
  return best != answer.records.end() &&
         std::any_of(answer.records.begin(), answer.records.end(),
                     [&](const DnsRecord& record) {
                       return record.preference == best->preference &&
                              record.name == hostname;
                     });
}

// Addresses that the name has and the host has not, or the other way round,
// make the two differ.
bool HaveSameAddresses(const DnsAnswer& name, const DnsAnswer& host) {
  const auto is_of = [](const DnsAnswer& answer) {
    return [&answer](const DnsRecord& record) {
      return std::any_of(answer.records.begin(), answer.records.end(),
                         [&record](const DnsRecord& other) {
                           return other.address == record.address;
                         });
    };
  };
  return std::all_of(name.records.begin(), name.records.end(), is_of(host)) &&
         std::all_of(host.records.begin(), host.records.end(), is_of(name));
}

// Of both families, as far as there are any.
std::string PublishedAddresses(const DnsAnswer& a, const DnsAnswer& aaaa) {
  if (aaaa.records.empty()) return Published(a, DnsType::kA);
  if (a.records.empty()) return Published(aaaa, DnsType::kAaaa);
  return absl::StrCat(Published(a, DnsType::kA), "; ",
                      Published(aaaa, DnsType::kAaaa));
}

// Whether the name leads to the host: by a CNAME, or by the same addresses.
Reading LeadsToHost(const DnsFacts& facts, const DnsWanted& wanted,
                    const std::string& name) {
  const auto a = facts.Answer(name, DnsType::kA);
  const auto aaaa = facts.Answer(name, DnsType::kAaaa);
  const auto host_a = facts.Answer(wanted.hostname, DnsType::kA);
  const auto host_aaaa = facts.Answer(wanted.hostname, DnsType::kAaaa);
  for (const auto& answer : {a, aaaa, host_a, host_aaaa}) {
    if (!answer.ok()) return {.labels = {}, .value = answer.status()};
  }
  const std::string line = AliasLine(name, wanted.hostname);
  const std::vector<std::string>& aliases = a->aliases;
  const bool is_alias = std::find(aliases.begin(), aliases.end(),
                                  wanted.hostname) != aliases.end();
  const bool has_any = !a->records.empty() || !aaaa->records.empty();
  const bool is_same =
      HaveSameAddresses(*a, *host_a) && HaveSameAddresses(*aaaa, *host_aaaa);
  std::string detail =
      has_any ? PublishedAddresses(*a, *aaaa) : Published(*a, DnsType::kA);
  if (!aliases.empty()) {
    detail = absl::StrCat("published: CNAME ", aliases.front(), ".",
                          has_any ? "; " : "", has_any ? detail : "");
  }
  return Held(is_alias || (has_any && is_same), std::move(detail), line);
}

Reading SrvReading(const DnsWanted& wanted, const DnsService& service,
                   const std::string& domain,
                   const absl::StatusOr<DnsAnswer>& answer) {
  const Labels labels = {{"name", ServiceName(service, domain)}};
  if (!answer.ok()) return {.labels = labels, .value = answer.status()};
  const bool is_there = std::any_of(
      answer->records.begin(), answer->records.end(),
      [&](const DnsRecord& record) {
        return record.name == wanted.hostname && record.port == service.port;
      });
  Reading reading = Told(is_there, Published(*answer, DnsType::kSrv),
                         ServiceLine(service, domain, wanted.hostname));
  reading.labels = labels;
  return reading;
}

}  // namespace

std::vector<Reading> MxMatches(const DnsFacts& facts) {
  return EachDomain(facts,
                    [&](const DnsWanted& wanted, const std::string& domain) {
                      const auto answer = facts.Answer(domain, DnsType::kMx);
                      if (!answer.ok()) {
                        return Reading{.labels = {}, .value = answer.status()};
                      }
                      return Held(MxIsHost(*answer, wanted.hostname),
                                  Published(*answer, DnsType::kMx),
                                  MxLine(domain, wanted.hostname));
                    });
}

std::vector<Reading> AutodiscoverMatches(const DnsFacts& facts) {
  return EachDomain(
      facts, [&](const DnsWanted& wanted, const std::string& domain) {
        return LeadsToHost(facts, wanted, AutodiscoverName(domain));
      });
}

std::vector<Reading> AutoconfigMatches(const DnsFacts& facts) {
  return EachDomain(facts,
                    [&](const DnsWanted& wanted, const std::string& domain) {
                      return LeadsToHost(facts, wanted, AutoconfigName(domain));
                    });
}

std::vector<Reading> SrvMatches(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr || !wanted->services.ok()) return {};
  std::vector<Reading> readings;
  for (const std::string& domain : wanted->domains) {
    for (const DnsService& service : *wanted->services) {
      readings.push_back(SrvReading(
          *wanted, service, domain,
          facts.Answer(ServiceName(service, domain), DnsType::kSrv)));
    }
  }
  return readings;
}

}  // namespace mailcow
