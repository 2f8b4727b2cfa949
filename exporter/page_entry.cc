#include "exporter/page_entry.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "exporter/human.h"
#include "exporter/lines.h"
#include "exporter/remedy.h"

namespace mailcow {
namespace {

using Entries = std::vector<PageEntry>;

// The limit as a sentence has it.
std::string LimitInWords(const Row& row) {
  const Bound bound = *row.bound();
  const Unit unit = row.requirement().unit;
  std::string number = HumanNumber(bound.nominal, unit);
  if (unit == Unit::kBool) return number;
  const bool is_least = bound.relation == Bound::Relation::kAtLeast;
  std::string limit = absl::StrCat(is_least ? "at least " : "at most ", number);
  if (IsMetByAllowance(row)) {
    absl::StrAppend(&limit, ", with an allowance of ",
                    HumanNumber(bound.allowance, unit));
  }
  return limit;
}

Html Paragraph(const std::string& kind, const std::vector<Html>& children) {
  return Tag("p", {{"class", kind}}, children);
}

Html Described(absl::string_view term, absl::string_view text) {
  return Tag("div", {},
             {Tag("dt", {}, {Text(term)}), Tag("dd", {}, {Text(text)})});
}

Html Measurement(const PageEntry& entry) {
  const Row& row = *entry.row;
  std::vector<Html> items;
  if (row.verdict == Verdict::kUnmet) {
    items.push_back(Described("Measured", entry.value));
  }
  if (row.level.has_value()) {
    items.push_back(Described("Limit", LimitInWords(row)));
  }
  // The heading of the unmet says the level.
  if (row.verdict == Verdict::kUnknown && row.level.has_value()) {
    items.push_back(Described("Level", Name(*row.level)));
  }
  items.push_back(Described("Age", AgeInWords(row.section->age)));
  return Tag("dl", {}, items);
}

Html Explained(absl::string_view label, const std::vector<Html>& parts) {
  std::vector<Html> all = {Tag("b", {}, {Text(label)}), Text(" ")};
  all.insert(all.end(), parts.begin(), parts.end());
  return Paragraph("explanation", all);
}

std::vector<Html> RemedyOf(const Row& row) {
  std::vector<Html> parts;
  for (const RemedyPart& part : PartsOf(row.remedy())) {
    parts.push_back(part.is_command ? Tag("kbd", {}, {Text(part.text)})
                                    : Text(part.text));
  }
  return parts;
}

// The symbol beside the word.
Html Mark(Verdict verdict) {
  const absl::string_view symbol = verdict == Verdict::kMet     ? "\u2713"
                                   : verdict == Verdict::kUnmet ? "\u2717"
                                                                : "?";
  return Tag("span", {{"class", "mark"}, {"aria-hidden", "true"}},
             {Text(symbol)});
}

Html Card(const PageEntry& entry) {
  const Row& row = *entry.row;
  const bool is_unmet = row.verdict == Verdict::kUnmet;
  std::vector<Html> parts = {
      Tag("h4", {},
          {Tag("span", {{"class", "verdict"}},
               {Mark(row.verdict), Text(absl::StrCat(" ", Name(row.verdict)))}),
           Text(" "), entry.title}),
      Paragraph("what", {Text(row.requirement().what)}), Measurement(entry)};
  if (is_unmet && !entry.detail.empty()) {
    parts.push_back(Explained("Found:", {Text(entry.detail)}));
  }
  parts.push_back(is_unmet ? Explained("Remedy:", RemedyOf(row))
                           : Explained("Reason:", {Text(row.reason())}));
  return Tag("li", {}, parts);
}

Html TableRow(const PageEntry& entry) {
  const Row& row = *entry.row;
  std::vector<Html> title = {entry.title};
  if (row.level.has_value()) {
    title.insert(title.begin(), {Mark(row.verdict), Text(" ")});
  }
  if (!entry.detail.empty()) {
    title.push_back(Tag("div", {{"class", "detail"}}, {Text(entry.detail)}));
  }
  std::vector<Html> cells = {Tag("th", {{"scope", "row"}}, title),
                             Tag("td", {}, {Text(entry.value)})};
  if (row.level.has_value()) {
    cells.push_back(Tag("td", {},
                        {Text(LimitInWords(row)), Text(" "),
                         Tag("small", {}, {Text(Name(*row.level))})}));
  }
  cells.push_back(Tag("td", {}, {Text(AgeInWords(row.section->age))}));
  return Tag("tr", {}, cells);
}

}  // namespace

std::string AgeInWords(absl::Duration age) {
  if (age == absl::InfiniteDuration()) return "never measured";
  const int64_t seconds = absl::ToInt64Seconds(age);
  if (seconds < 1) return "now";
  if (seconds < 120) return absl::StrCat(seconds, " s ago");
  if (seconds < 7200) return absl::StrCat(seconds / 60, " min ago");
  return absl::StrCat(seconds / 3600, " h ago");
}

Html RenderCards(absl::string_view topic, const Entries& entries) {
  std::vector<Html> cards;
  for (const PageEntry& entry : entries) cards.push_back(Card(entry));
  return {absl::StrCat(Tag("h3", {}, {Text(topic)}).markup,
                       Tag("ul", {{"class", "cards"}}, cards).markup)};
}

Html RenderTable(absl::string_view topic, const Entries& entries) {
  std::vector<Html> heads;
  for (const absl::string_view head : {"Finding", "Value", "Limit", "Age"}) {
    if (head == "Limit" && !entries.front().row->level.has_value()) continue;
    heads.push_back(Tag("th", {{"scope", "col"}}, {Text(head)}));
  }
  std::vector<Html> rows;
  for (const PageEntry& entry : entries) rows.push_back(TableRow(entry));
  return Tag(
      "table", {},
      {Tag("caption", {}, {Tag("h3", {}, {Text(topic)})}),
       Tag("thead", {}, {Tag("tr", {}, heads)}), Tag("tbody", {}, rows)});
}

}  // namespace mailcow
