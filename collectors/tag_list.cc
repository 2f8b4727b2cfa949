#include "collectors/tag_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "collectors/dns_name.h"

namespace mailcow {
namespace {

// What makes one kind of list another.
struct Syntax {
  bool (*is_name)(absl::string_view name);
  bool has_space_around_equals;
};

bool IsTagName(absl::string_view name) {
  return !name.empty() &&
         absl::ascii_isalpha(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_';
         });
}

bool IsFieldName(absl::string_view name) {
  constexpr size_t kMaxLength = 32;
  return !name.empty() && name.size() <= kMaxLength &&
         absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
         });
}

bool IsValue(absl::string_view value) {
  return std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return absl::ascii_isprint(c) || c == '\t';
  });
}

absl::StatusOr<Tag> ParseTag(absl::string_view text, const Syntax& syntax) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) {
    return absl::DataLossError(absl::StrCat(Excerpt(text), " lacks a ="));
  }
  absl::string_view name = text.substr(0, equals);
  absl::string_view value = text.substr(equals + 1);
  if (syntax.has_space_around_equals) {
    name = absl::StripTrailingAsciiWhitespace(name);
    value = absl::StripLeadingAsciiWhitespace(value);
  } else if (value != absl::StripLeadingAsciiWhitespace(value)) {
    return absl::DataLossError(
        absl::StrCat(Excerpt(text), " has space behind the ="));
  }
  if (!syntax.is_name(name)) {
    return absl::DataLossError(
        absl::StrCat(Excerpt(name), " is not the name of a tag"));
  }
  if (!IsValue(value)) {
    return absl::DataLossError(absl::StrCat(Excerpt(name), " has the value ",
                                            Excerpt(value),
                                            ", which is not printable"));
  }
  return Tag{std::string(name), std::string(value)};
}

absl::StatusOr<std::vector<Tag>> ParseList(absl::string_view text,
                                           const Syntax& syntax) {
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  absl::ConsumeSuffix(&rest, ";");
  std::vector<Tag> tags;
  for (absl::string_view spec : absl::StrSplit(rest, ';')) {
    spec = absl::StripAsciiWhitespace(spec);
    if (spec.empty()) {
      return absl::DataLossError(
          absl::StrCat(Excerpt(text), " lacks a tag before a ;"));
    }
    absl::StatusOr<Tag> tag = ParseTag(spec, syntax);
    if (!tag.ok()) return tag.status();
    if (FindTag(tags, tag->name).has_value()) {
      return absl::DataLossError(
          absl::StrCat(Excerpt(tag->name), " stands twice"));
    }
    tags.push_back(*std::move(tag));
  }
  return tags;
}

}  // namespace

absl::StatusOr<std::vector<Tag>> ParseTagList(absl::string_view text) {
  // A line may be folded where there is space.
  return ParseList(
      absl::StrReplaceAll(text, {{"\r\n ", " "}, {"\r\n\t", "\t"}}),
      {.is_name = IsTagName, .has_space_around_equals = true});
}

absl::StatusOr<std::vector<Tag>> ParseFieldList(absl::string_view text) {
  return ParseList(text,
                   {.is_name = IsFieldName, .has_space_around_equals = false});
}

std::optional<absl::string_view> FindTag(const std::vector<Tag>& tags,
                                         absl::string_view name) {
  for (const Tag& tag : tags) {
    if (tag.name == name) return tag.value;
  }
  return std::nullopt;
}

absl::StatusOr<absl::string_view> OnlyRecord(
    absl::Span<const std::string> texts, absl::string_view beginning,
    absl::FunctionRef<bool(absl::string_view)> is_meant) {
  if (texts.empty()) return absl::NotFoundError("there is no TXT record");
  std::vector<absl::string_view> meant;
  std::copy_if(texts.begin(), texts.end(), std::back_inserter(meant), is_meant);
  if (meant.size() == 1) return meant.front();
  if (meant.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "no TXT record begins with ", beginning, ": ", Excerpt(texts.front())));
  }
  return absl::DataLossError(absl::StrCat(meant.size(),
                                          " TXT records begin with ", beginning,
                                          " where there may be one"));
}

bool IsMailto(absl::string_view uri) {
  constexpr absl::string_view kScheme = "mailto:";
  if (!absl::StartsWithIgnoreCase(uri, kScheme)) return false;
  const absl::string_view address =
      uri.substr(kScheme.size(), uri.find('?') - kScheme.size());
  const size_t at = address.find('@');
  return at != absl::string_view::npos && at > 0 &&
         !absl::StrContains(address, ' ') &&
         NormalizeDnsName(address.substr(at + 1)).ok();
}

std::string Excerpt(absl::string_view text) {
  constexpr size_t kMost = 60;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMost)),
                      text.size() > kMost ? "...\"" : "\"");
}

}  // namespace mailcow
