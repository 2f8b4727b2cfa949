#include "collectors/mailcow_conf.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

bool IsKey(absl::string_view text) {
  constexpr absl::string_view kDigits = "0123456789";
  constexpr absl::string_view kCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !text.empty() &&
         kDigits.find(text.front()) == absl::string_view::npos &&
         text.find_first_not_of(kCharacters) == absl::string_view::npos;
}

// What stands behind the closing quote may only be a comment.
bool IsBlankOrComment(absl::string_view rest) {
  const absl::string_view stripped = absl::StripLeadingAsciiWhitespace(rest);
  return stripped.empty() ||
         (stripped[0] == '#' && stripped.size() < rest.size());
}

absl::StatusOr<std::string> ParseValue(absl::string_view key,
                                       absl::string_view text) {
  if (!text.empty() && (text[0] == '\'' || text[0] == '"')) {
    const size_t end = text.find(text[0], 1);
    if (end == absl::string_view::npos ||
        !IsBlankOrComment(text.substr(end + 1))) {
      return absl::DataLossError(absl::StrCat(
          key, " of mailcow.conf has quotes that do not enclose its value"));
    }
    return std::string(text.substr(1, end - 1));
  }
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '#' && (text[i - 1] == ' ' || text[i - 1] == '\t')) {
      text = text.substr(0, i);
    }
  }
  return std::string(absl::StripTrailingAsciiWhitespace(text));
}

}  // namespace

absl::StatusOr<MailcowConf> MailcowConf::Parse(absl::string_view text) {
  MailcowConf conf;
  conf.is_present_ = true;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StrContains(line, '\0')) {
      return absl::DataLossError(
          absl::StrCat("line ", number, " of mailcow.conf has a NUL byte"));
    }
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    absl::ConsumePrefix(&line, "export ");
    const size_t equals = line.find('=');
    const absl::string_view key = line.substr(0, equals);
    if (equals == absl::string_view::npos || !IsKey(key)) {
      return absl::DataLossError(
          absl::StrCat("line ", number, " of mailcow.conf is not KEY=value"));
    }
    Entry& entry = conf.entries_[std::string(key)];
    entry.value = ParseValue(key, line.substr(equals + 1));
    ++entry.times;
  }
  return conf;
}

absl::StatusOr<std::string> MailcowConf::Get(absl::string_view key,
                                             absl::string_view missing) const {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return std::string(missing);
  const absl::StatusOr<std::string>& value = entry->second.value;
  return value.ok() && value->empty() ? std::string(missing) : value;
}

absl::StatusOr<bool> MailcowConf::IsYes(absl::string_view key) const {
  const absl::StatusOr<std::string> value = Get(key, "n");
  if (!value.ok()) return value.status();
  return absl::EqualsIgnoreCase(*value, "y") ||
         absl::EqualsIgnoreCase(*value, "yes");
}

int MailcowConf::Times(absl::string_view key) const {
  const auto entry = entries_.find(key);
  return entry == entries_.end() ? 0 : entry->second.times;
}

absl::StatusOr<MailcowConf> ReadMailcowConf(const Files& files,
                                            absl::string_view directory) {
  const absl::StatusOr<std::string> text =
      files.ReadWatched(absl::StrCat(directory, "/mailcow.conf"));
  if (absl::IsNotFound(text.status())) return MailcowConf();
  if (!text.ok()) return text.status();
  return MailcowConf::Parse(*text);
}

}  // namespace mailcow
