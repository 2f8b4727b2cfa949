#include "collectors/dns_facts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/caa.h"
#include "collectors/dns_name.h"
#include "collectors/dns_zone.h"

namespace mailcow {
namespace {

using Family = IpAddress::Family;

// What a list answers with is an address of 127.0.0.0/8; those from
// 127.255.255.0 on say that it does not want to answer us.
bool IsRefusal(const IpAddress& code) {
  return code.family == Family::kIpv4 && code.bytes[0] == 127 &&
         code.bytes[1] == 255 && code.bytes[2] == 255;
}
bool IsCode(const IpAddress& code) {
  return code.family == Family::kIpv4 && code.bytes[0] == 127;
}

// The name that a list is asked for an address: that of the reverse zone with
// the list in its place.
std::string ListName(const IpAddress& address, absl::string_view list) {
  const std::string reverse = ReverseName(address);
  const absl::string_view zone =
      address.family == Family::kIpv4 ? ".in-addr.arpa" : ".ip6.arpa";
  return absl::StrCat(reverse.substr(0, reverse.size() - zone.size()), ".",
                      list);
}

DnsListing ListingOf(const std::string& list, const IpAddress& address,
                     const absl::StatusOr<DnsAnswer>& answer) {
  DnsListing listing{.list = list, .address = address, .is_listed = false};
  if (!answer.ok()) {
    listing.is_listed = answer.status();
    return listing;
  }
  std::vector<std::string> codes;
  for (const DnsRecord& record : answer->records) {
    const std::string code = ToString(record.address);
    if (IsRefusal(record.address)) {
      listing.is_listed = absl::PermissionDeniedError(
          absl::StrCat(list, " refused to answer: ", code));
      return listing;
    }
    if (!IsCode(record.address)) {
      listing.is_listed = absl::DataLossError(absl::StrCat(
          list, " answers ", code, ", which is no code of a list"));
      return listing;
    }
    codes.push_back(code);
  }
  listing.is_listed = !codes.empty();
  listing.detail = absl::StrJoin(codes, " ");
  return listing;
}

std::vector<DnsQuestion> QuestionsOfHost(const DnsWanted& wanted) {
  std::vector<DnsQuestion> questions = {
      {wanted.hostname, DnsType::kA},
      {wanted.hostname, DnsType::kAaaa},
      {TlsaName(wanted.hostname), DnsType::kTlsa}};
  for (const std::string& name : NamesForCaa(wanted.hostname)) {
    questions.push_back({name, DnsType::kCaa});
  }
  for (const IpAddress& address : KnownAddresses(wanted)) {
    questions.push_back({ReverseName(address), DnsType::kPtr});
    for (const std::string& list : wanted.blocklists) {
      questions.push_back({ListName(address, list), DnsType::kA});
    }
  }
  return questions;
}

std::vector<DnsQuestion> QuestionsOfDomain(const DnsWanted& wanted,
                                           const std::string& domain) {
  std::vector<DnsQuestion> questions = {
      {domain, DnsType::kMx},
      {domain, DnsType::kTxt},
      {DkimName(domain), DnsType::kTxt},
      {MtaStsName(domain), DnsType::kTxt},
      {TlsRptName(domain), DnsType::kTxt},
  };
  for (const std::string& name : DmarcNames(domain)) {
    questions.push_back({name, DnsType::kTxt});
  }
  for (const std::string& name :
       {AutodiscoverName(domain), AutoconfigName(domain)}) {
    questions.push_back({name, DnsType::kA});
    questions.push_back({name, DnsType::kAaaa});
  }
  for (const DnsService& service :
       wanted.services.value_or(std::vector<DnsService>())) {
    questions.push_back({ServiceName(service, domain), DnsType::kSrv});
  }
  return questions;
}

void Ask(const std::vector<DnsQuestion>& questions, const Dns& dns,
         DnsFacts& facts) {
  std::vector<absl::StatusOr<DnsAnswer>> answers = dns.Ask(questions);
  for (size_t i = 0; i < questions.size(); ++i) {
    facts.answers.insert_or_assign(questions[i], std::move(answers[i]));
  }
}

// Whether each address of the host may send mail of the domain.
void CheckSenders(const DnsWanted& wanted, const std::string& domain,
                  const Dns& dns, DnsFacts& facts) {
  const DnsLookup lookup = [&](const DnsQuestion& question) {
    if (!facts.answers.contains(question)) Ask({question}, dns, facts);
    return facts.answers.at(question);
  };
  for (const IpAddress& address : KnownAddresses(wanted)) {
    facts.spf[domain].emplace_back(
        address, CheckSpf(address, domain, wanted.hostname, lookup));
  }
}

}  // namespace

absl::StatusOr<DnsAnswer> DnsFacts::Answer(absl::string_view name,
                                           DnsType type) const {
  const auto found = answers.find({std::string(name), type});
  if (found != answers.end()) return found->second;
  return absl::InternalError(absl::StrCat(name, " was not asked for"));
}

std::vector<IpAddress> KnownAddresses(const DnsWanted& wanted) {
  std::vector<IpAddress> known;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto& addresses = wanted.addresses(family);
    if (!addresses.ok()) continue;
    known.insert(known.end(), addresses->begin(), addresses->end());
  }
  return known;
}

DnsFacts ObserveDns(const DnsSettings& settings,
                    absl::string_view mailcow_directory, const Host& host) {
  DnsFacts facts{.wanted = ReadDnsWanted(settings, mailcow_directory, host)};
  if (!facts.wanted.ok() || !facts.wanted->has_value()) return facts;
  const DnsWanted& wanted = **facts.wanted;
  facts.servers = host.dns.Servers();
  std::vector<DnsQuestion> questions = QuestionsOfHost(wanted);
  for (const std::string& domain : wanted.domains) {
    for (DnsQuestion& question : QuestionsOfDomain(wanted, domain)) {
      questions.push_back(std::move(question));
    }
  }
  Ask(questions, host.dns, facts);
  for (const std::string& domain : wanted.domains) {
    CheckSenders(wanted, domain, host.dns, facts);
  }
  for (const std::string& list : wanted.blocklists) {
    for (const IpAddress& address : KnownAddresses(wanted)) {
      facts.listings.push_back(ListingOf(
          list, address, facts.Answer(ListName(address, list), DnsType::kA)));
    }
  }
  return facts;
}

}  // namespace mailcow
