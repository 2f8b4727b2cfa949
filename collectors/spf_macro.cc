#include "collectors/spf_macro.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

absl::Status Error(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CHexEscape(text), "\" ", what));
}

// Takes the transformers and delimiters off the front of `text`.
absl::Status ConsumeTransformers(absl::string_view& text, SpfMacro& macro) {
  // No name has more labels.
  constexpr size_t kManyParts = 1000;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    const size_t digit = static_cast<size_t>(text[0] - '0');
    macro.parts = std::min(macro.parts.value_or(0) * 10 + digit, kManyParts);
    text.remove_prefix(1);
  }
  if (macro.parts == 0) return Error("0", "parts of a macro are too few");
  macro.is_reversed =
      absl::ConsumePrefix(&text, "r") || absl::ConsumePrefix(&text, "R");
  const size_t size = std::min(text.find_first_not_of(".-+,/_="), text.size());
  if (size > 0) macro.delimiters = std::string(text.substr(0, size));
  text.remove_prefix(size);
  return absl::OkStatus();
}

// Takes what follows "%{" off the front of `text`.
absl::StatusOr<SpfMacro> ConsumeMacro(absl::string_view& text) {
  const absl::string_view begin = text;
  if (text.empty()) return Error("%{", "lacks the letter of a macro");
  const char letter = absl::ascii_tolower(static_cast<unsigned char>(text[0]));
  if (absl::StrContains("crt", letter)) {
    return Error(absl::StrCat("%{", text.substr(0, 1)),
                 "is a macro for explanations only");
  }
  if (!absl::StrContains("slodipvh", letter)) {
    return Error(absl::StrCat("%{", text.substr(0, 1)), "is no macro");
  }
  SpfMacro macro{.letter = letter, .is_escaped = letter != text[0]};
  text.remove_prefix(1);
  absl::Status status = ConsumeTransformers(text, macro);
  if (!status.ok()) return status;
  if (!absl::ConsumePrefix(&text, "}")) {
    return Error(absl::StrCat("%{", begin), "lacks the end of a macro");
  }
  return macro;
}

// Takes a macro, or the characters in front of the next, off `text`.
absl::StatusOr<SpfPiece> ConsumePiece(absl::string_view& text) {
  if (absl::ConsumePrefix(&text, "%%")) return SpfPiece{.text = "%"};
  if (absl::ConsumePrefix(&text, "%_")) return SpfPiece{.text = " "};
  if (absl::ConsumePrefix(&text, "%-")) return SpfPiece{.text = "%20"};
  if (absl::ConsumePrefix(&text, "%{")) {
    absl::StatusOr<SpfMacro> macro = ConsumeMacro(text);
    if (!macro.ok()) return macro.status();
    return SpfPiece{.macro = *std::move(macro)};
  }
  const size_t size = std::min(text.find('%'), text.size());
  if (size == 0) return Error(text, "begins with a % that is no macro");
  const absl::string_view literal = text.substr(0, size);
  if (!std::all_of(literal.begin(), literal.end(), absl::ascii_isgraph)) {
    return Error(literal, "has characters other than visible ASCII");
  }
  text.remove_prefix(size);
  return SpfPiece{.text = std::string(literal)};
}

// Letters, digits and inner hyphens, but not digits alone.
bool IsTopLabel(absl::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](unsigned char c) {
                       return absl::ascii_isalnum(c) || c == '-';
                     }) &&
         !std::all_of(label.begin(), label.end(), absl::ascii_isdigit);
}

// As in the names below in-addr.arpa and ip6.arpa, but forwards.
std::string DottedClient(const IpAddress& client) {
  if (client.family == IpAddress::Family::kIpv4) return ToString(client);
  return absl::StrJoin(client.bytes, ".", [](std::string* out, uint8_t byte) {
    absl::StrAppendFormat(out, "%x.%x", byte >> 4, byte & 0xf);
  });
}

std::string ValueOf(char letter, const SpfMacroValues& values) {
  const bool is_ipv4 = values.client.family == IpAddress::Family::kIpv4;
  switch (letter) {
    case 's':
      return absl::StrCat(values.local_part, "@", values.sender_domain);
    case 'l':
      return values.local_part;
    case 'o':
      return values.sender_domain;
    case 'd':
      return values.domain;
    case 'i':
      return DottedClient(values.client);
    case 'p':
      return values.client_name;
    case 'v':
      return is_ipv4 ? "in-addr" : "ip6";
    default:
      return values.helo;
  }
}

std::string UrlEscape(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        absl::StrContains("-._~", c)) {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<uint8_t>(c));
    }
  }
  return escaped;
}

std::string Expand(const SpfMacro& macro, const SpfMacroValues& values) {
  const std::string value = ValueOf(macro.letter, values);
  std::vector<absl::string_view> parts =
      absl::StrSplit(value, absl::ByAnyChar(macro.delimiters));
  if (macro.is_reversed) std::reverse(parts.begin(), parts.end());
  const size_t kept =
      std::min(macro.parts.value_or(parts.size()), parts.size());
  std::string expanded = absl::StrJoin(
      parts.end() - static_cast<std::ptrdiff_t>(kept), parts.end(), ".");
  return macro.is_escaped ? UrlEscape(expanded) : expanded;
}

}  // namespace

absl::StatusOr<SpfMacroString> ParseSpfMacroString(absl::string_view text) {
  SpfMacroString pieces;
  while (!text.empty()) {
    absl::StatusOr<SpfPiece> piece = ConsumePiece(text);
    if (!piece.ok()) return piece.status();
    pieces.push_back(*std::move(piece));
  }
  return pieces;
}

absl::StatusOr<SpfMacroString> ParseSpfDomain(absl::string_view text) {
  absl::StatusOr<SpfMacroString> pieces = ParseSpfMacroString(text);
  if (!pieces.ok()) return pieces.status();
  if (pieces->empty()) return Error(text, "is no domain");
  // %%, %_ and %- are macros as well.
  const SpfPiece& last = pieces->back();
  if (last.macro.has_value() || !absl::EndsWith(text, last.text) ||
      absl::EndsWith(text, "%%")) {
    return pieces;
  }
  if (ParseIpAddress(text).ok()) {
    return Error(text, "is an address: that is for ip4 and ip6");
  }
  const absl::string_view name = absl::StripSuffix(text, ".");
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || !IsTopLabel(name.substr(dot + 1))) {
    return Error(text, "does not end in a top-level domain");
  }
  return pieces;
}

bool HasMacro(const SpfMacroString& text, char letter) {
  return std::any_of(text.begin(), text.end(), [&](const SpfPiece& piece) {
    return piece.macro.has_value() && piece.macro->letter == letter;
  });
}

std::string ExpandSpfDomain(const SpfMacroString& text,
                            const SpfMacroValues& values) {
  std::string expanded;
  for (const SpfPiece& piece : text) {
    absl::StrAppend(&expanded, piece.macro.has_value()
                                   ? Expand(*piece.macro, values)
                                   : piece.text);
  }
  absl::string_view name = absl::StripSuffix(expanded, ".");
  while (name.size() > kMaxSpfNameSize && absl::StrContains(name, '.')) {
    name.remove_prefix(name.find('.') + 1);
  }
  return absl::AsciiStrToLower(name);
}

}  // namespace mailcow
