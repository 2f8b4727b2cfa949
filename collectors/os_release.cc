#include "collectors/os_release.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {

absl::StatusOr<OsRelease> ParseOsRelease(absl::string_view text) {
  OsRelease os;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {
      return absl::DataLossError(
          absl::StrCat("line ", number, " of os-release is no assignment"));
    }
    const absl::string_view key = line.substr(0, equals);
    absl::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') &&
        value.back() == value[0]) {
      value = value.substr(1, value.size() - 2);
    }
    if (key == "ID") os.id = std::string(value);
    if (key == "VERSION_ID") os.version = std::string(value);
    if (key == "PRETTY_NAME") os.name = std::string(value);
  }
  if (os.id.empty()) return absl::DataLossError("os-release lacks ID");
  return os;
}

absl::StatusOr<Version> ParseVersion(absl::string_view text) {
  const auto take_number = [&text](int* number) {
    const size_t digits =
        std::min(text.find_first_not_of("0123456789"), text.size());
    const bool is_number = absl::SimpleAtoi(text.substr(0, digits), number);
    text.remove_prefix(digits);
    return is_number;
  };
  const absl::string_view whole = text;
  Version version;
  if (!take_number(&version.major) ||
      (absl::ConsumePrefix(&text, ".") && !take_number(&version.minor))) {
    return absl::DataLossError(
        absl::StrCat("\"", whole, "\" does not begin with a version"));
  }
  return version;
}

absl::StatusOr<OsRelease> ReadOsRelease(const Files& files) {
  absl::StatusOr<std::string> text = files.Read("/etc/os-release");
  if (absl::IsNotFound(text.status())) {
    text = files.Read("/usr/lib/os-release");
  }
  if (!text.ok()) return text.status();
  return ParseOsRelease(*text);
}

}  // namespace mailcow
