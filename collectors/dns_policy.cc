// The part of dns_judge.h that is of the policies in TXT records.

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/dkim_key.h"
#include "collectors/dmarc.h"
#include "collectors/dns_judge.h"
#include "collectors/dns_published.h"
#include "collectors/dns_zone.h"
#include "collectors/mta_sts.h"
#include "collectors/tls_rpt.h"

namespace mailcow {
namespace {

std::vector<std::string> TextsOf(const absl::StatusOr<DnsAnswer>& answer) {
  std::vector<std::string> texts;
  if (!answer.ok()) return texts;
  for (const DnsRecord& record : answer->records) texts.push_back(record.text);
  return texts;
}

// Verdicts on the TXT records of a name, by a function that says what is wrong.
Reading TextReading(const DnsFacts& facts, const std::string& name,
                    absl::Status (*check)(const std::vector<std::string>&),
                    absl::string_view line, bool is_fact = false) {
  const auto answer = facts.Answer(name, DnsType::kTxt);
  if (!answer.ok()) return {.labels = {}, .value = answer.status()};
  const std::vector<std::string> texts = TextsOf(answer);
  const absl::Status status = check(texts);
  std::string detail = Published(*answer, DnsType::kTxt);
  if (!status.ok() && !texts.empty()) {
    detail = absl::StrCat(status.message(), "; ", detail);
  }
  return is_fact ? Told(status.ok(), std::move(detail), line)
                 : Held(status.ok(), std::move(detail), line);
}

// What a usable key leaves to be desired.
std::string Misgivings(const DkimKey& key) {
  std::string text;
  if (key.IsWeak()) {
    absl::StrAppend(&text, "a key of ", key.bits,
                    " bits, of which RFC 8301 asks for 2048; ");
  }
  if (key.is_testing) {
    absl::StrAppend(&text, "receivers are told that it is a test (t=y); ");
  }
  return text;
}

// The records of SPF among those of the answer.
DnsAnswer SpfOf(DnsAnswer answer) {
  std::erase_if(answer.records, [](const DnsRecord& record) {
    return !absl::StartsWithIgnoreCase(record.text, "v=spf1");
  });
  return answer;
}

Reading SpfReading(const DnsFacts& facts, const std::string& domain) {
  const auto answer = facts.Answer(domain, DnsType::kTxt);
  if (!answer.ok()) return {.labels = {}, .value = answer.status()};
  const auto found = facts.spf.find(domain);
  if (found == facts.spf.end()) {
    return {.labels = {},
            .value = absl::UnavailableError(
                "no public address of this host is known; "
                "--dns.public-address names one")};
  }
  absl::StatusOr<double> value = 1;
  std::vector<std::string> reasons;
  for (const auto& [address, verdict] : found->second) {
    if (verdict.result == SpfResult::kPass) continue;
    const std::string reason = absl::StrCat(
        ToString(address), ": ", Name(verdict.result), ", ", verdict.reason);
    reasons.push_back(reason);
    // One that may not is worse than one of which it is not known.
    if (verdict.result != SpfResult::kTempError) {
      value = 0;
    } else if (value.ok() && *value == 1) {
      value = absl::UnavailableError(reason);
    }
  }
  const DnsAnswer published = SpfOf(*answer);
  reasons.push_back(Published(published, DnsType::kTxt));
  return {.labels = {},
          .value = std::move(value),
          .detail = absl::StrJoin(reasons, "; "),
          .remedy = absl::StrCat(
              published.records.empty()
                  ? "publish: "
                  : "add the address to the record, or replace it by: ",
              SpfLine(domain))};
}

}  // namespace

std::vector<Reading> SpfPermits(const DnsFacts& facts) {
  return EachDomain(facts, [&](const DnsWanted&, const std::string& domain) {
    return SpfReading(facts, domain);
  });
}

std::vector<Reading> DkimUsable(const DnsFacts& facts) {
  return EachDomain(facts, [&](const DnsWanted&, const std::string& domain) {
    const std::string name = DkimName(domain);
    Reading reading = TextReading(facts, name, CheckDkimKeys, DkimLine(domain));
    const auto key = FindDkimKey(TextsOf(facts.Answer(name, DnsType::kTxt)));
    if (key.ok()) reading.detail = Misgivings(*key) + reading.detail;
    return reading;
  });
}

std::vector<Reading> DmarcValid(const DnsFacts& facts) {
  return EachDomain(facts, [&](const DnsWanted&, const std::string& domain) {
    // Where no domain above has a policy, it is this one that lacks it.
    Reading own = {.labels = {}, .value = 0};
    for (const std::string& name : DmarcNames(domain)) {
      Reading reading = TextReading(facts, name, CheckDmarc, DmarcLine(domain));
      const auto texts = TextsOf(facts.Answer(name, DnsType::kTxt));
      const bool has_policy = !absl::IsNotFound(CheckDmarc(texts));
      if (has_policy || !reading.value.ok()) return reading;
      if (name == DmarcName(domain)) own = std::move(reading);
    }
    return own;
  });
}

std::vector<Reading> MtaStsValid(const DnsFacts& facts) {
  return EachDomain(facts, [&](const DnsWanted&, const std::string& domain) {
    return TextReading(facts, MtaStsName(domain), CheckMtaSts,
                       MtaStsLine(domain), /*is_fact=*/true);
  });
}

std::vector<Reading> TlsRptValid(const DnsFacts& facts) {
  return EachDomain(facts, [&](const DnsWanted&, const std::string& domain) {
    return TextReading(facts, TlsRptName(domain), CheckTlsRpt,
                       TlsRptLine(domain), /*is_fact=*/true);
  });
}

}  // namespace mailcow
