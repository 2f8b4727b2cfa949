// How records read that are published, and those that should be: what the parts
// of dns_judge.h share.

#ifndef COLLECTORS_DNS_PUBLISHED_H_
#define COLLECTORS_DNS_PUBLISHED_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_facts.h"
#include "collectors/dns_record.h"
#include "collectors/requirement.h"

namespace mailcow {

// "published: A 192.0.2.1, A 192.0.2.2"; says so where nothing is.
std::string Published(const DnsAnswer& answer, DnsType type);

// "publish: LINE; LINE"
template <typename Things, typename LineOf>
std::string Publish(const Things& things, const LineOf& line_of) {
  std::string lines;
  for (const auto& thing : things) {
    absl::StrAppend(&lines, lines.empty() ? "publish: " : "; ", line_of(thing));
  }
  return lines;
}

// 1 or 0, what is published, and the line that should be.
Reading Held(bool is_right, std::string detail, absl::string_view line);

// The same for a fact, which has no remedy: the line is told with what is
// there.
Reading Told(bool is_right, std::string detail, absl::string_view line);

// A reading for each domain that the host takes mail for.
template <typename Judge>
std::vector<Reading> EachDomain(const DnsFacts& facts, const Judge& judge) {
  const DnsWanted* wanted = facts.wanted_or_null();
  if (wanted == nullptr) return {};
  std::vector<Reading> readings;
  for (const std::string& domain : wanted->domains) {
    Reading reading = judge(*wanted, domain);
    reading.labels = {{"domain", domain}};
    readings.push_back(std::move(reading));
  }
  return readings;
}

}  // namespace mailcow

#endif  // COLLECTORS_DNS_PUBLISHED_H_
