#include "collectors/spf.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "collectors/dns_record.h"

namespace mailcow {
namespace {

using Kind = SpfMechanism::Kind;

absl::Status PermError(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

SpfVerdict VerdictOf(const absl::Status& status) {
  return {.result = absl::IsInvalidArgument(status) ? SpfResult::kPermError
                                                    : SpfResult::kTempError,
          .reason = std::string(status.message())};
}

bool IsIn(const IpAddress& address, const IpAddress& network, int bits) {
  if (address.family != network.family) return false;
  for (size_t i = 0; bits > 0; ++i, bits -= 8) {
    const int differing = address.bytes[i] ^ network.bytes[i];
    if (differing >> std::max(0, 8 - bits) != 0) return false;
  }
  return true;
}

// The client may be in a network around any of the addresses.
bool HasClient(const std::vector<DnsRecord>& addresses,
               const SpfMechanism& mechanism, const IpAddress& client) {
  const int bits = client.family == IpAddress::Family::kIpv4
                       ? mechanism.ipv4_bits
                       : mechanism.ipv6_bits;
  return absl::c_any_of(addresses, [&](const DnsRecord& record) {
    return IsIn(client, record.address, bits);
  });
}

SpfVerdict Evaluate(const std::string& domain, SpfQuestions& questions);

absl::StatusOr<bool> MatchesInclude(const std::string& target,
                                    SpfQuestions& questions) {
  const SpfVerdict verdict = Evaluate(target, questions);
  switch (verdict.result) {
    case SpfResult::kPass:
      return true;
    case SpfResult::kFail:
    case SpfResult::kSoftFail:
    case SpfResult::kNeutral:
      return false;
    case SpfResult::kTempError:
      return absl::UnavailableError(verdict.reason);
    case SpfResult::kNone:
    case SpfResult::kPermError:
      break;
  }
  return PermError(verdict.reason);
}

absl::StatusOr<bool> MatchesA(const SpfMechanism& mechanism,
                              const std::string& target,
                              SpfQuestions& questions) {
  const auto addresses = questions.AskOfTerm(target, questions.AddressType());
  if (!addresses.ok()) return addresses.status();
  return HasClient(*addresses, mechanism, questions.client());
}

absl::StatusOr<bool> MatchesMx(const SpfMechanism& mechanism,
                               const std::string& target,
                               SpfQuestions& questions) {
  const auto exchangers = questions.AskOfTerm(target, DnsType::kMx);
  if (!exchangers.ok()) return exchangers.status();
  if (exchangers->size() > kMaxSpfNames) {
    return PermError(absl::StrCat(target, " has ", exchangers->size(),
                                  " MX records, mx may ask for ten"));
  }
  for (const DnsRecord& exchanger : *exchangers) {
    const auto addresses =
        questions.Ask(exchanger.name, questions.AddressType());
    if (!addresses.ok()) return addresses.status();
    if (HasClient(*addresses, mechanism, questions.client())) return true;
  }
  return false;
}

absl::StatusOr<bool> MatchesPtr(const std::string& target,
                                SpfQuestions& questions) {
  const auto names = questions.ClientNamesOfTerm();
  if (!names.ok()) return names.status();
  return absl::c_any_of(*names, [&](absl::string_view name) {
    return IsAtOrBelow(name, target);
  });
}

// As for any address, whatever the client's family.
absl::StatusOr<bool> MatchesExists(const std::string& target,
                                   SpfQuestions& questions) {
  const auto addresses = questions.AskOfTerm(target, DnsType::kA);
  if (!addresses.ok()) return addresses.status();
  return !addresses->empty();
}

// Of a mechanism that asks, about its target.
absl::StatusOr<bool> MatchesTarget(const SpfMechanism& mechanism,
                                   const std::string& domain,
                                   SpfQuestions& questions) {
  absl::Status status = questions.CountTerm();
  if (!status.ok()) return status;
  const absl::StatusOr<std::string> target =
      mechanism.domain.has_value() ? questions.Target(*mechanism.domain, domain)
                                   : domain;
  if (!target.ok()) return target.status();
  switch (mechanism.kind) {
    case Kind::kInclude:
      return MatchesInclude(*target, questions);
    case Kind::kA:
      return MatchesA(mechanism, *target, questions);
    case Kind::kMx:
      return MatchesMx(mechanism, *target, questions);
    case Kind::kPtr:
      return MatchesPtr(*target, questions);
    case Kind::kExists:
      return MatchesExists(*target, questions);
    case Kind::kAll:
    case Kind::kIp4:
    case Kind::kIp6:
      break;
  }
  return false;
}

absl::StatusOr<bool> Matches(const SpfMechanism& mechanism,
                             const std::string& domain,
                             SpfQuestions& questions) {
  const IpAddress& client = questions.client();
  switch (mechanism.kind) {
    case Kind::kAll:
      return true;
    case Kind::kIp4:
      return IsIn(client, mechanism.network, mechanism.ipv4_bits);
    case Kind::kIp6:
      return IsIn(client, mechanism.network, mechanism.ipv6_bits);
    case Kind::kInclude:
    case Kind::kA:
    case Kind::kMx:
    case Kind::kPtr:
    case Kind::kExists:
      break;
  }
  return MatchesTarget(mechanism, domain, questions);
}

SpfVerdict Redirect(const SpfMacroString& redirect, const std::string& domain,
                    SpfQuestions& questions) {
  const absl::Status status = questions.CountTerm();
  if (!status.ok()) return VerdictOf(status);
  const auto target = questions.Target(redirect, domain);
  if (!target.ok()) return VerdictOf(target.status());
  SpfVerdict verdict = Evaluate(*target, questions);
  if (verdict.result == SpfResult::kNone) {
    verdict.result = SpfResult::kPermError;
  }
  return verdict;
}

SpfVerdict Evaluate(const std::string& domain, const SpfRecord& record,
                    SpfQuestions& questions) {
  for (const SpfMechanism& mechanism : record.mechanisms) {
    const auto matches = Matches(mechanism, domain, questions);
    if (!matches.ok()) return VerdictOf(matches.status());
    if (!*matches) continue;
    return {.result = mechanism.result,
            .reason = absl::StrCat(domain, " says ", mechanism.text)};
  }
  if (record.redirect.has_value()) {
    return Redirect(*record.redirect, domain, questions);
  }
  return {.result = SpfResult::kNeutral,
          .reason = absl::StrCat(domain, " says nothing of this host")};
}

// The result of the record of `domain`: check_host().
SpfVerdict Evaluate(const std::string& domain, SpfQuestions& questions) {
  if (!absl::StrContains(domain, '.') || !IsSpfName(domain)) {
    return {.result = SpfResult::kNone,
            .reason = absl::StrCat("\"", absl::CHexEscape(domain),
                                   "\" is no mail domain")};
  }
  const auto texts = questions.Ask(domain, DnsType::kTxt);
  if (!texts.ok()) return VerdictOf(texts.status());
  std::vector<absl::string_view> records;
  for (const DnsRecord& text : *texts) {
    if (IsSpfRecord(text.text)) records.push_back(text.text);
  }
  if (records.empty()) {
    return {.result = SpfResult::kNone,
            .reason = absl::StrCat(domain, " has no SPF record")};
  }
  if (records.size() > 1) {
    return VerdictOf(PermError(absl::StrCat(domain, " has ", records.size(),
                                            " SPF records, one is allowed")));
  }
  const absl::StatusOr<SpfRecord> record = ParseSpfRecord(records[0]);
  if (!record.ok()) {
    return VerdictOf(PermError(absl::StrCat("the SPF record of ", domain, ": ",
                                            record.status().message())));
  }
  return Evaluate(domain, *record, questions);
}

}  // namespace

SpfVerdict CheckSpf(const IpAddress& client, absl::string_view domain,
                    absl::string_view helo, const DnsLookup& lookup) {
  const std::string name =
      absl::AsciiStrToLower(absl::StripSuffix(domain, "."));
  SpfQuestions questions({.client = client,
                          .local_part = "postmaster",
                          .sender_domain = name,
                          .domain = name,
                          .helo = std::string(helo),
                          .client_name = ""},
                         lookup);
  return Evaluate(name, questions);
}

absl::string_view Name(SpfResult result) {
  switch (result) {
    case SpfResult::kNone:
      return "none";
    case SpfResult::kNeutral:
      return "neutral";
    case SpfResult::kPass:
      return "pass";
    case SpfResult::kFail:
      return "fail";
    case SpfResult::kSoftFail:
      return "softfail";
    case SpfResult::kTempError:
      return "temperror";
    case SpfResult::kPermError:
      return "permerror";
  }
  return "";
}

}  // namespace mailcow
