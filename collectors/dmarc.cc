#include "collectors/dmarc.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/tag_list.h"

namespace mailcow {
namespace {

constexpr absl::string_view kVersion = "v=DMARC1";

bool IsNumber(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsPolicy(absl::string_view value) {
  return absl::EqualsIgnoreCase(value, "none") ||
         absl::EqualsIgnoreCase(value, "quarantine") ||
         absl::EqualsIgnoreCase(value, "reject");
}

bool IsAlignment(absl::string_view value) {
  return absl::EqualsIgnoreCase(value, "r") ||
         absl::EqualsIgnoreCase(value, "s");
}

bool IsPercentage(absl::string_view value) {
  int percent = 0;
  return IsNumber(value) && value.size() <= 3 &&
         absl::SimpleAtoi(value, &percent) && percent <= 100;
}

bool IsInterval(absl::string_view value) {
  uint32_t seconds = 0;
  return IsNumber(value) && absl::SimpleAtoi(value, &seconds);
}

// Whether each of the words between `separator` is one.
bool AreAll(absl::string_view value, char separator,
            bool (*is_one)(absl::string_view)) {
  const std::vector<absl::string_view> words = absl::StrSplit(value, separator);
  return std::all_of(words.begin(), words.end(), [=](absl::string_view word) {
    return is_one(absl::StripAsciiWhitespace(word));
  });
}

bool AreOptions(absl::string_view value) {
  return AreAll(value, ':', [](absl::string_view word) {
    return word.size() == 1 && absl::StrContains("01dsDS", word);
  });
}

bool AreFormats(absl::string_view value) {
  return AreAll(value, ':', [](absl::string_view word) {
    return !word.empty() &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) {
             return absl::ascii_isalnum(c) || c == '-';
           });
  });
}

// Receivers skip those with a scheme that they do not know.
bool IsUri(absl::string_view uri) {
  if (absl::StartsWithIgnoreCase(uri, "mailto:")) return IsMailto(uri);
  const size_t colon = uri.find(':');
  const bool has_scheme =
      colon != absl::string_view::npos && colon > 0 &&
      absl::ascii_isalpha(static_cast<unsigned char>(uri[0])) &&
      std::all_of(uri.begin(), uri.begin() + static_cast<ptrdiff_t>(colon),
                  [](unsigned char c) {
                    return absl::ascii_isalnum(c) || c == '+' || c == '-' ||
                           c == '.';
                  });
  return has_scheme && colon + 1 < uri.size() &&
         std::all_of(uri.begin(), uri.end(), absl::ascii_isgraph);
}

// "mailto:dmarc@example.org!10m": the size of a report may be limited.
bool IsReportUri(absl::string_view text) {
  const size_t mark = text.find('!');
  if (mark == absl::string_view::npos) return IsUri(text);
  absl::string_view size = text.substr(mark + 1);
  if (!size.empty() && absl::StrContains("kmgtKMGT", size.back())) {
    size.remove_suffix(1);
  }
  return IsNumber(size) && IsUri(text.substr(0, mark));
}

bool AreReportUris(absl::string_view value) {
  return AreAll(value, ',', IsReportUri);
}

struct KnownTag {
  absl::string_view name;
  bool (*is_valid)(absl::string_view value);
  absl::string_view expected;
};

constexpr absl::string_view kPolicies = "none, quarantine or reject";
constexpr absl::string_view kAlignments = "r or s";
constexpr absl::string_view kUris = "URIs like mailto:ADDRESS between commas";
constexpr KnownTag kKnownTags[] = {
    {"p", IsPolicy, kPolicies},
    {"sp", IsPolicy, kPolicies},
    {"adkim", IsAlignment, kAlignments},
    {"aspf", IsAlignment, kAlignments},
    {"pct", IsPercentage, "a number from 0 to 100"},
    {"fo", AreOptions, "0, 1, d or s between colons"},
    {"rf", AreFormats, "names of formats between colons"},
    {"ri", IsInterval, "a number of seconds"},
    {"rua", AreReportUris, kUris},
    {"ruf", AreReportUris, kUris},
};

// Only there may be space, and the version is the only word in fixed case.
bool IsDmarc(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "v")) return false;
  text = absl::StripLeadingAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&text, "=")) return false;
  text = absl::StripLeadingAsciiWhitespace(text);
  if (!absl::ConsumePrefix(&text, "DMARC1")) return false;
  text = absl::StripLeadingAsciiWhitespace(text);
  return text.empty() || text.front() == ';';
}

}  // namespace

absl::StatusOr<std::string> FindDmarcPolicy(
    const std::vector<std::string>& texts) {
  const auto text = OnlyRecord(texts, kVersion, IsDmarc);
  if (!text.ok()) return text.status();
  const auto tags = ParseTagList(*text);
  if (!tags.ok()) return tags.status();
  for (const KnownTag& known : kKnownTags) {
    const auto value = FindTag(*tags, known.name);
    if (!value.has_value() || known.is_valid(*value)) continue;
    return absl::DataLossError(absl::StrCat(known.name, "=", Excerpt(*value),
                                            " is not ", known.expected));
  }
  const auto policy = FindTag(*tags, "p");
  if (!policy.has_value()) {
    return absl::DataLossError(absl::StrCat(Excerpt(*text), " lacks p="));
  }
  return absl::AsciiStrToLower(*policy);
}

absl::Status CheckDmarc(const std::vector<std::string>& texts) {
  return FindDmarcPolicy(texts).status();
}

}  // namespace mailcow
