#include "collectors/tls_rpt.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/tag_list.h"

namespace mailcow {
namespace {

// What does not begin so, to the letter, is skipped by those who read it.
constexpr absl::string_view kBeginning = "v=TLSRPTv1;";

// There are no other ways to report.
bool IsReportUri(absl::string_view uri) {
  constexpr absl::string_view kHttps = "https://";
  if (IsMailto(uri)) return true;
  return absl::StartsWithIgnoreCase(uri, kHttps) &&
         uri.size() > kHttps.size() && uri[kHttps.size()] != '/' &&
         std::all_of(uri.begin(), uri.end(), absl::ascii_isgraph);
}

}  // namespace

absl::Status CheckTlsRpt(const std::vector<std::string>& texts) {
  const auto text =
      OnlyRecord(texts, kBeginning, [](absl::string_view candidate) {
        return absl::StartsWith(candidate, kBeginning);
      });
  if (!text.ok()) return text.status();
  const auto fields = ParseFieldList(*text);
  if (!fields.ok()) return fields.status();
  const auto reports = FindTag(*fields, "rua");
  if (!reports.has_value()) {
    return absl::DataLossError(absl::StrCat(Excerpt(*text), " lacks rua="));
  }
  for (const absl::string_view uri : absl::StrSplit(*reports, ',')) {
    if (IsReportUri(absl::StripAsciiWhitespace(uri))) continue;
    return absl::DataLossError(
        absl::StrCat("rua=", Excerpt(uri), " is not mailto: or https:"));
  }
  return absl::OkStatus();
}

}  // namespace mailcow
