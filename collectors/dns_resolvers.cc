// The part of dns_judge.h that is of the resolvers and of what they prove.

#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/dns_judge.h"

namespace mailcow {

std::vector<Reading> ResolverReachable(const DnsFacts& facts) {
  if (facts.wanted_or_null() == nullptr) return {};
  if (!facts.servers.ok()) return {};
  std::vector<Reading> readings;
  for (const DnsServer& server : *facts.servers) {
    for (const auto& [protocol, answer] :
         {std::pair("udp", server.udp), std::pair("tcp", server.tcp)}) {
      readings.push_back(
          {.labels = {{"server", server.address}, {"protocol", protocol}},
           .value = answer.ok() ? 1 : 0,
           .detail = absl::StrCat(protocol, answer.ok() ? "" : ": ",
                                  answer.status().message())});
    }
  }
  return readings;
}

std::vector<Reading> ResolverRoundTrip(const DnsFacts& facts) {
  if (facts.wanted_or_null() == nullptr || !facts.servers.ok()) return {};
  std::vector<Reading> readings;
  for (const DnsServer& server : *facts.servers) {
    for (const auto& [protocol, answer] :
         {std::pair("udp", server.udp), std::pair("tcp", server.tcp)}) {
      if (!answer.ok()) continue;
      readings.push_back(
          {.labels = {{"server", server.address}, {"protocol", protocol}},
           .value = absl::ToDoubleSeconds(*answer),
           .detail = protocol});
    }
  }
  return readings;
}

std::vector<Reading> AnswerAuthenticated(const DnsFacts& facts) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  std::vector<std::pair<std::string, DnsType>> asked = {
      {wanted->hostname, DnsType::kA}};
  for (const std::string& domain : wanted->domains) {
    asked.emplace_back(domain, DnsType::kMx);
  }
  std::vector<Reading> readings;
  for (const auto& [name, type] : asked) {
    const auto answer = facts.Answer(name, type);
    readings.push_back({.labels = {{"name", name}},
                        .value = IfKnown(answer, [](const DnsAnswer& known) {
                          return known.is_authenticated ? 1.0 : 0.0;
                        })});
  }
  return readings;
}

}  // namespace mailcow
