#include "collectors/caa.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "collectors/dns_name.h"
#include "collectors/tag_list.h"

namespace mailcow {
namespace {

// Properties that every authority understands; RFC 9495 for the last.
bool IsKnown(absl::string_view tag) {
  return tag == "issue" || tag == "issuewild" || tag == "iodef" ||
         tag == "issuemail";
}

// "name=value": an authority issues nothing by a value that it cannot read.
bool IsParameter(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos) return false;
  const absl::string_view name =
      absl::StripTrailingAsciiWhitespace(text.substr(0, equals));
  const absl::string_view value =
      absl::StripLeadingAsciiWhitespace(text.substr(equals + 1));
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), absl::ascii_isalnum) &&
         std::all_of(value.begin(), value.end(), absl::ascii_isgraph);
}

// "letsencrypt.org; validationmethods=dns-01"
struct Issue {
  absl::string_view authority;
  std::vector<absl::string_view> parameters = {};
  bool is_valid = true;
};

Issue ParseIssue(absl::string_view value) {
  std::vector<absl::string_view> parts = absl::StrSplit(value, ';');
  for (absl::string_view& part : parts) part = absl::StripAsciiWhitespace(part);
  Issue issue{.authority = parts.front()};
  parts.erase(parts.begin());
  // The last semicolon may end the value.
  if (!parts.empty() && parts.back().empty()) parts.pop_back();
  issue.is_valid = std::all_of(parts.begin(), parts.end(), IsParameter);
  issue.parameters = std::move(parts);
  return issue;
}

}  // namespace

std::vector<std::string> NamesForCaa(absl::string_view name) {
  std::vector<std::string> names;
  for (std::string next(name); !next.empty(); next = ParentOf(next)) {
    names.push_back(next);
  }
  return names;
}

CaaVerdict JudgeCaa(const std::vector<DnsRecord>& records,
                    absl::string_view authority) {
  bool names_any = false;
  // Of each record that names the authority; one without is enough.
  std::vector<std::string> conditions;
  for (const DnsRecord& record : records) {
    if (!IsKnown(record.tag) && record.is_critical) {
      return {.permits = false,
              .why = absl::StrCat("the property ", Excerpt(record.tag),
                                  " is critical and unknown")};
    }
    if (record.tag != "issue") continue;
    names_any = true;
    const Issue issue = ParseIssue(record.text);
    if (issue.is_valid && absl::EqualsIgnoreCase(issue.authority, authority)) {
      conditions.push_back(absl::StrJoin(issue.parameters, "; "));
    }
  }
  if (!names_any) return {.permits = true};
  if (conditions.empty()) {
    return {.permits = false,
            .why = absl::StrCat("no issue property names ", authority)};
  }
  const bool is_free =
      std::any_of(conditions.begin(), conditions.end(),
                  [](const std::string& one) { return one.empty(); });
  return {.permits = true,
          .why = is_free ? "" : absl::StrJoin(conditions, " or ")};
}

bool PermitsIssue(const std::vector<DnsRecord>& records,
                  absl::string_view authority) {
  return JudgeCaa(records, authority).permits;
}

}  // namespace mailcow
