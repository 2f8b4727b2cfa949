#include "exporter/basic_auth.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace mailcow {
namespace {

// absl's own reading passes over blanks and wants no padding.
bool IsPaddedBase64(absl::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int i = 0; i < 2; ++i) {
    if (absl::EndsWith(text, "=")) text.remove_suffix(1);
  }
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '+' &&
        c != '/') {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<Credentials> ParseBasicAuth(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "Basic ";
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  std::string text;
  if (!IsPaddedBase64(authorization) ||
      !absl::Base64Unescape(authorization, &text)) {
    return std::nullopt;
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{.user = text.substr(0, colon),
                     .password = text.substr(colon + 1)};
}

}  // namespace mailcow
