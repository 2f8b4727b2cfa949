// Records that are lists of tags, "v=DKIM1; k=rsa; p=...": as RFC 6376 (3.2)
// has them and DMARC took them over, and as MTA-STS and TLS-RPT have them.

#ifndef COLLECTORS_TAG_LIST_H_
#define COLLECTORS_TAG_LIST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mailcow {

struct Tag {
  std::string name;
  std::string value;  // without the space around it; may be empty

  bool operator==(const Tag&) const = default;
};

// The tags in their order. DataLoss; a name that stands twice among it.
absl::StatusOr<std::vector<Tag>> ParseTagList(absl::string_view text);

// The same in the form of RFC 8461 (3.1) and RFC 8460 (3): there may be space
// around a semicolon, but none around a =.
absl::StatusOr<std::vector<Tag>> ParseFieldList(absl::string_view text);

// The value of a tag; nullopt where it is not there. Case counts.
std::optional<absl::string_view> FindTag(const std::vector<Tag>& tags,
                                         absl::string_view name);

// The one of `texts`, TXT records of a name, that is meant: others may stand
// beside it. `beginning` describes it in errors: "v=DMARC1". NotFound where
// there is none, DataLoss where there are several.
absl::StatusOr<absl::string_view> OnlyRecord(
    absl::Span<const std::string> texts, absl::string_view beginning,
    absl::FunctionRef<bool(absl::string_view)> is_meant);

// Whether it is "mailto:" and an address.
bool IsMailto(absl::string_view uri);

// What was read, for an error: in quotes, escaped, and not too much of it.
std::string Excerpt(absl::string_view text);

}  // namespace mailcow

#endif  // COLLECTORS_TAG_LIST_H_
