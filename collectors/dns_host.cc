// The part of dns_judge.h that is of the host itself.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/caa.h"
#include "collectors/dns_judge.h"
#include "collectors/dns_name.h"
#include "collectors/dns_published.h"
#include "collectors/dns_zone.h"
#include "collectors/tlsa.h"

namespace mailcow {
namespace {

using Family = IpAddress::Family;

struct FamilyWords {
  Family family;
  DnsType type;
  absl::string_view label;
  absl::string_view name;
};
constexpr FamilyWords kFamilies[] = {
    {Family::kIpv4, DnsType::kA, "ipv4", "IPv4"},
    {Family::kIpv6, DnsType::kAaaa, "ipv6", "IPv6"}};

absl::string_view LabelOf(Family family) {
  return family == Family::kIpv4 ? "ipv4" : "ipv6";
}

bool Contains(const std::vector<IpAddress>& addresses,
              const IpAddress& address) {
  return std::find(addresses.begin(), addresses.end(), address) !=
         addresses.end();
}

// The lines that give the host its addresses.
std::string AddressLines(const DnsWanted& wanted,
                         const std::vector<IpAddress>& addresses) {
  return Publish(addresses, [&](const IpAddress& address) {
    return AddressLine(wanted.hostname, address);
  });
}

absl::Status NoAddress(const DnsWanted& wanted, const FamilyWords& words) {
  return absl::UnavailableError(
      wanted.is_given
          ? absl::StrCat("--dns.public-address names no ", words.name,
                         " address; name it as well, or publish none")
          : absl::StrCat("no interface has a public ", words.name,
                         " address; --dns.public-address names the one the "
                         "host is reached at"));
}

// Absent where there is nothing to ask: a host without IPv6, and no AAAA.
bool IsOfNoInterest(const absl::StatusOr<std::vector<IpAddress>>& own,
                    const absl::StatusOr<DnsAnswer>& answer, Family family) {
  return family == Family::kIpv6 && own.ok() && own->empty() &&
         (!answer.ok() || answer->records.empty());
}

Reading AddressReading(const DnsWanted& wanted, const FamilyWords& words,
                       const absl::StatusOr<DnsAnswer>& answer) {
  Reading reading{.labels = {{"family", std::string(words.label)}}, .value = 0};
  const auto& own = wanted.addresses(words.family);
  if (!own.ok() || !answer.ok()) {
    reading.value = own.ok() ? answer.status() : own.status();
    return reading;
  }
  reading.detail = Published(*answer, words.type);
  if (own->empty()) {
    reading.value = NoAddress(wanted, words);
    return reading;
  }
  const bool is_ours =
      !answer->records.empty() &&
      std::all_of(answer->records.begin(), answer->records.end(),
                  [&own](const DnsRecord& record) {
                    return Contains(*own, record.address);
                  });
  reading.value = is_ours ? 1 : 0;
  reading.remedy = AddressLines(wanted, *own);
  return reading;
}

// Whether the only name of the address is that of the host.
absl::StatusOr<double> IsNamed(const absl::StatusOr<DnsAnswer>& answer,
                               const std::string& hostname) {
  if (!answer.ok()) return answer.status();
  return answer->records.size() == 1 && answer->records[0].name == hostname
             ? 1.0
             : 0.0;
}

Reading PointerReading(const DnsFacts& facts, const DnsWanted& wanted,
                       const FamilyWords& words,
                       const std::vector<IpAddress>& own) {
  Reading reading{.labels = {{"family", std::string(words.label)}}, .value = 1};
  std::vector<std::string> published;
  std::vector<IpAddress> unnamed;
  for (const IpAddress& address : own) {
    const auto answer = facts.Answer(ReverseName(address), DnsType::kPtr);
    const absl::StatusOr<double> is_named = IsNamed(answer, wanted.hostname);
    if (answer.ok()) {
      published.push_back(absl::StrCat(ToString(address), ": ",
                                       Published(*answer, DnsType::kPtr)));
    }
    // One that is wrong counts for more than one that is not known.
    if (!is_named.ok() && unnamed.empty()) reading.value = is_named;
    if (!is_named.ok() || *is_named == 1) continue;
    unnamed.push_back(address);
    reading.value = 0;
  }
  reading.detail = absl::StrJoin(published, "; ");
  if (!unnamed.empty()) {
    reading.remedy =
        absl::StrCat("have whoever gave you the address ",
                     Publish(unnamed, [&wanted](const IpAddress& address) {
                       return PointerLine(address, wanted.hostname);
                     }));
  }
  return reading;
}

}  // namespace

std::vector<Reading> HostnameQualified(const DnsFacts& facts) {
  if (!facts.wanted.ok()) return One(facts.wanted.status());
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  const absl::Status qualified = CheckQualified(wanted->hostname);
  return One(qualified.ok() ? 1 : 0, qualified.ok()
                                         ? wanted->hostname
                                         : std::string(qualified.message()));
}

std::vector<Reading> HostnameNotAlias(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  const auto answer = facts.Answer(wanted->hostname, DnsType::kA);
  if (!answer.ok()) return One(answer.status());
  Reading reading{.labels = {}, .value = answer->aliases.empty() ? 1 : 0};
  if (!answer->aliases.empty()) {
    reading.detail =
        absl::StrCat("published: CNAME ", answer->aliases.front(), ".");
    reading.remedy =
        absl::StrCat("remove the CNAME, and ",
                     AddressLines(*wanted, KnownAddresses(*wanted)));
  }
  return {reading};
}

std::vector<Reading> AddressMatches(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  std::vector<Reading> readings;
  for (const FamilyWords& words : kFamilies) {
    const auto answer = facts.Answer(wanted->hostname, words.type);
    const auto& own = wanted->addresses(words.family);
    if (IsOfNoInterest(own, answer, words.family)) continue;
    readings.push_back(AddressReading(*wanted, words, answer));
  }
  return readings;
}

std::vector<Reading> PointerMatches(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  std::vector<Reading> readings;
  for (const FamilyWords& words : kFamilies) {
    const auto& own = wanted->addresses(words.family);
    if (own.ok() && own->empty() && words.family == Family::kIpv6) continue;
    if (!own.ok() || own->empty()) {
      readings.push_back(
          {.labels = {{"family", std::string(words.label)}},
           .value = own.ok() ? NoAddress(*wanted, words) : own.status()});
      continue;
    }
    readings.push_back(PointerReading(facts, *wanted, words, *own));
  }
  return readings;
}

std::vector<Reading> TlsaUsable(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  const auto answer = facts.Answer(TlsaName(wanted->hostname), DnsType::kTlsa);
  if (!answer.ok()) return One(answer.status());
  const bool is_usable = std::any_of(
      answer->records.begin(), answer->records.end(),
      [](const DnsRecord& record) { return CheckTlsa(record).ok(); });
  return {Told(is_usable, Published(*answer, DnsType::kTlsa),
               TlsaLine(wanted->hostname))};
}

std::vector<Reading> CaaPermits(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  // The nearest name that has any decides.
  for (const std::string& name : NamesForCaa(wanted->hostname)) {
    const auto answer = facts.Answer(name, DnsType::kCaa);
    if (!answer.ok()) return One(answer.status());
    if (answer->records.empty()) continue;
    const CaaVerdict verdict = JudgeCaa(answer->records, "letsencrypt.org");
    std::string detail =
        absl::StrCat(name, ": ", Published(*answer, DnsType::kCaa),
                     verdict.why.empty() ? "" : "; ", verdict.why);
    return {
        Told(verdict.permits, std::move(detail), CaaLine(wanted->hostname))};
  }
  return One(1, "nothing is published: every authority may");
}

std::vector<Reading> BlocklistListed(const DnsFacts& facts) {
  std::vector<Reading> readings;
  for (const DnsListing& listing : facts.listings) {
    readings.push_back(
        {.labels = {{"list", listing.list},
                    {"address", ToString(listing.address)},
                    {"family", std::string(LabelOf(listing.address.family))}},
         .value = AsNumber(listing.is_listed),
         .detail = listing.detail});
  }
  return readings;
}

}  // namespace mailcow
