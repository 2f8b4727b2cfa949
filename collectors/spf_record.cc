#include "collectors/spf_record.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

using Kind = SpfMechanism::Kind;

constexpr absl::string_view kVersion = "v=spf1";

struct Syntax {
  enum class Argument { kNone, kDomain, kNetwork };

  absl::string_view name;
  Kind kind;
  Argument argument;
  bool is_required;  // the argument
  bool has_bits;     // the length of a prefix may follow
};

constexpr Syntax kMechanisms[] = {
    {"all", Kind::kAll, Syntax::Argument::kNone, false, false},
    {"include", Kind::kInclude, Syntax::Argument::kDomain, true, false},
    {"a", Kind::kA, Syntax::Argument::kDomain, false, true},
    {"mx", Kind::kMx, Syntax::Argument::kDomain, false, true},
    {"ptr", Kind::kPtr, Syntax::Argument::kDomain, false, false},
    {"ip4", Kind::kIp4, Syntax::Argument::kNetwork, true, true},
    {"ip6", Kind::kIp6, Syntax::Argument::kNetwork, true, true},
    {"exists", Kind::kExists, Syntax::Argument::kDomain, true, false},
};

absl::Status Error(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// Takes "/24" off the end of `text`, where it ends so, into `bits`.
absl::Status ConsumeBits(absl::string_view slashes, int most,
                         absl::string_view& text, int& bits) {
  const size_t slash = text.find_last_not_of("0123456789");
  if (slash == absl::string_view::npos || slash + 1 == text.size()) {
    return absl::OkStatus();
  }
  const absl::string_view digits = text.substr(slash + 1);
  absl::string_view rest = text.substr(0, slash + 1);
  if (!absl::ConsumeSuffix(&rest, slashes)) return absl::OkStatus();
  const bool is_padded = digits.size() > 1 && digits[0] == '0';
  if (is_padded || !absl::SimpleAtoi(digits, &bits) || bits > most) {
    return Error(absl::StrCat("\"", slashes, digits,
                              "\" is no length from 0 to ", most));
  }
  text = rest;
  return absl::OkStatus();
}

absl::Status ConsumeBits(absl::string_view& text, SpfMechanism& mechanism) {
  switch (mechanism.kind) {
    case Kind::kIp4:
      return ConsumeBits("/", 32, text, mechanism.ipv4_bits);
    case Kind::kIp6:
      return ConsumeBits("/", 128, text, mechanism.ipv6_bits);
    case Kind::kA:
    case Kind::kMx: {
      absl::Status status = ConsumeBits("//", 128, text, mechanism.ipv6_bits);
      if (!status.ok()) return status;
      return ConsumeBits("/", 32, text, mechanism.ipv4_bits);
    }
    case Kind::kAll:
    case Kind::kInclude:
    case Kind::kPtr:
    case Kind::kExists:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<IpAddress> ParseNetwork(absl::string_view text, Kind kind) {
  const bool is_ipv6 = absl::StrContains(text, ':');
  absl::StatusOr<IpAddress> address = ParseIpAddress(text);
  if (!address.ok() || absl::StartsWith(text, "[") ||
      is_ipv6 != (kind == Kind::kIp6)) {
    return Error(absl::StrCat("\"", absl::CHexEscape(text), "\" is no IPv",
                              kind == Kind::kIp6 ? 6 : 4, " address"));
  }
  if (is_ipv6 && address->family == IpAddress::Family::kIpv4) {
    // Written as an IPv6 address it is one, which no IPv4 client matches.
    IpAddress mapped{.family = IpAddress::Family::kIpv6};
    mapped.bytes[10] = mapped.bytes[11] = 0xff;
    std::copy_n(address->bytes.begin(), 4, mapped.bytes.begin() + 12);
    return mapped;
  }
  return address;
}

// `argument` begins with its colon, and is empty where there is none.
absl::Status SetArgument(const Syntax& syntax, absl::string_view argument,
                         SpfMechanism& mechanism) {
  if (argument.empty()) {
    return syntax.is_required ? Error("lacks its argument") : absl::OkStatus();
  }
  const bool takes_one = syntax.argument != Syntax::Argument::kNone;
  if (!takes_one || !absl::ConsumePrefix(&argument, ":")) {
    return Error(absl::StrCat("cannot have \"", absl::CHexEscape(argument),
                              "\" behind its name"));
  }
  if (syntax.argument == Syntax::Argument::kNetwork) {
    absl::StatusOr<IpAddress> network = ParseNetwork(argument, syntax.kind);
    if (!network.ok()) return network.status();
    mechanism.network = *network;
    return absl::OkStatus();
  }
  absl::StatusOr<SpfMacroString> domain = ParseSpfDomain(argument);
  if (!domain.ok()) return domain.status();
  mechanism.domain = *std::move(domain);
  return absl::OkStatus();
}

SpfResult ConsumeQualifier(absl::string_view& term) {
  if (absl::ConsumePrefix(&term, "-")) return SpfResult::kFail;
  if (absl::ConsumePrefix(&term, "~")) return SpfResult::kSoftFail;
  if (absl::ConsumePrefix(&term, "?")) return SpfResult::kNeutral;
  absl::ConsumePrefix(&term, "+");
  return SpfResult::kPass;
}

absl::StatusOr<SpfMechanism> ParseMechanism(absl::string_view term) {
  SpfMechanism mechanism{.text = std::string(term)};
  mechanism.result = ConsumeQualifier(term);
  const size_t end = std::min(term.find_first_of(":/"), term.size());
  for (const Syntax& syntax : kMechanisms) {
    if (!absl::EqualsIgnoreCase(syntax.name, term.substr(0, end))) continue;
    mechanism.kind = syntax.kind;
    absl::string_view argument = term.substr(end);
    absl::Status status = ConsumeBits(argument, mechanism);
    if (status.ok()) status = SetArgument(syntax, argument, mechanism);
    if (!status.ok()) return status;
    return mechanism;
  }
  return Error("is no mechanism");
}

bool IsModifierName(absl::string_view name) {
  return !name.empty() &&
         absl::ascii_isalpha(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
         });
}

// The modifiers of which a record may have one.
struct Modifiers {
  std::optional<SpfMacroString> redirect;
  std::optional<SpfMacroString> explanation;
};

absl::Status AddModifier(absl::string_view name, absl::string_view value,
                         Modifiers& modifiers) {
  if (!IsModifierName(name)) return Error("is no modifier");
  const bool is_redirect = absl::EqualsIgnoreCase(name, "redirect");
  if (!is_redirect && !absl::EqualsIgnoreCase(name, "exp")) {
    // Unknown ones are ignored, but their syntax must be right.
    return ParseSpfMacroString(value).status();
  }
  std::optional<SpfMacroString>& modifier =
      is_redirect ? modifiers.redirect : modifiers.explanation;
  if (modifier.has_value()) return Error("is the second of its kind");
  absl::StatusOr<SpfMacroString> domain = ParseSpfDomain(value);
  if (!domain.ok()) return domain.status();
  modifier = *std::move(domain);
  return absl::OkStatus();
}

absl::Status AddTerm(absl::string_view term, SpfRecord& record,
                     Modifiers& modifiers) {
  const size_t end = term.find_first_of(":/=");
  if (end != absl::string_view::npos && term[end] == '=') {
    return AddModifier(term.substr(0, end), term.substr(end + 1), modifiers);
  }
  absl::StatusOr<SpfMechanism> mechanism = ParseMechanism(term);
  if (!mechanism.ok()) return mechanism.status();
  record.mechanisms.push_back(*std::move(mechanism));
  return absl::OkStatus();
}

}  // namespace

bool IsSpfRecord(absl::string_view text) {
  return absl::StartsWithIgnoreCase(text, kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

absl::StatusOr<SpfRecord> ParseSpfRecord(absl::string_view text) {
  SpfRecord record;
  Modifiers modifiers;
  text.remove_prefix(std::min(kVersion.size(), text.size()));
  for (const absl::string_view term :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const absl::Status status = AddTerm(term, record, modifiers);
    if (status.ok()) continue;
    return Error(
        absl::StrCat("\"", absl::CHexEscape(term), "\": ", status.message()));
  }
  record.redirect = std::move(modifiers.redirect);
  return record;
}

}  // namespace mailcow
