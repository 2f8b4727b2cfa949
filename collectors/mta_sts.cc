#include "collectors/mta_sts.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "collectors/tag_list.h"

namespace mailcow {
namespace {

// What does not begin so, to the letter, is skipped by those who read it.
constexpr absl::string_view kBeginning = "v=STSv1;";

}  // namespace

absl::Status CheckMtaSts(const std::vector<std::string>& texts) {
  constexpr size_t kMaxLength = 32;
  const auto text =
      OnlyRecord(texts, kBeginning, [](absl::string_view candidate) {
        return absl::StartsWith(candidate, kBeginning);
      });
  if (!text.ok()) return text.status();
  const auto fields = ParseFieldList(*text);
  if (!fields.ok()) return fields.status();
  const auto id = FindTag(*fields, "id");
  if (!id.has_value()) {
    return absl::DataLossError(absl::StrCat(Excerpt(*text), " lacks id="));
  }
  const bool is_id = !id->empty() && id->size() <= kMaxLength &&
                     std::all_of(id->begin(), id->end(), absl::ascii_isalnum);
  if (is_id) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("id=", Excerpt(*id), " is not 1 to ",
                                          kMaxLength, " letters and digits"));
}

}  // namespace mailcow
