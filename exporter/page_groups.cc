#include "exporter/page_groups.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/lines.h"
#include "exporter/page_entry.h"
#include "exporter/time_block.h"

namespace mailcow {
namespace {

struct TopicEntries {
  std::string name;
  std::vector<PageEntry> entries;
};

struct Kind {
  absl::string_view id;
  absl::string_view title;
  Verdict verdict;
  // Any where absent.
  std::optional<Level> level = std::nullopt;
};

constexpr Kind kKinds[] = {
    {"unmet", "Unmet: required", Verdict::kUnmet, Level::kRequired},
    {"recommended", "Unmet: recommended", Verdict::kUnmet, Level::kRecommended},
    {"unknown", "Unknown", Verdict::kUnknown},
    {"met", "Met", Verdict::kMet},
    {"facts", "Facts", Verdict::kFact},
};

bool IsOf(const Kind& kind, const Row& row) {
  return row.verdict == kind.verdict &&
         (!kind.level.has_value() || row.level == kind.level);
}

PageEntry EntryOf(const Line& line) {
  Html title = Tag("code", {}, {Text(line.row->requirement().id)});
  if (!line.subjects.empty()) {
    const std::string subjects = absl::StrJoin(line.subjects, ", ");
    title.markup +=
        Tag("span", {{"class", "subject"}}, {Text(absl::StrCat(" ", subjects))})
            .markup;
  }
  return {.row = line.row,
          .title = std::move(title),
          .value = line.value,
          .detail = line.row->reading().detail,
          .count = std::max<size_t>(line.subjects.size(), 1)};
}

std::vector<TopicEntries> TopicsOf(const Kind& kind,
                                   const std::vector<Line>& lines) {
  std::vector<TopicEntries> topics;
  for (const Line& line : lines) {
    // Facts of the time are told in its block.
    const bool is_told =
        kind.verdict == Verdict::kFact && IsInTimeBlock(*line.row);
    if (!IsOf(kind, *line.row) || is_told) continue;
    const std::string& name = line.row->section->topic;
    if (topics.empty() || topics.back().name != name) {
      topics.push_back({.name = name, .entries = {}});
    }
    topics.back().entries.push_back(EntryOf(line));
  }
  return topics;
}

TopicEntries TimeFacts(const std::vector<Row>& rows) {
  TopicEntries topic{.name = "time", .entries = {}};
  for (const TimeLine& line : TimeBlock(rows)) {
    if (line.row->verdict != Verdict::kFact) continue;
    topic.entries.push_back({.row = line.row,
                             .title = Text(line.title),
                             .value = line.text,
                             .detail = ""});
  }
  return topic;
}

Html Folded(absl::string_view summary, const std::vector<Html>& content) {
  std::vector<Html> children = {Tag("summary", {}, {Text(summary)})};
  children.insert(children.end(), content.begin(), content.end());
  return Tag("details", {}, children);
}

PageGroup GroupOf(const Kind& kind, const std::vector<TopicEntries>& topics) {
  PageGroup group{.id = std::string(kind.id), .title = std::string(kind.title)};
  const bool is_told_in_full =
      kind.verdict == Verdict::kUnmet || kind.verdict == Verdict::kUnknown;
  std::vector<Html> content;
  for (const TopicEntries& topic : topics) {
    for (const PageEntry& entry : topic.entries) group.count += entry.count;
    content.push_back(is_told_in_full ? RenderCards(topic.name, topic.entries)
                                      : RenderTable(topic.name, topic.entries));
  }
  if (kind.verdict == Verdict::kFact) {
    content = {Folded("What else was measured", content)};
  }
  content.insert(content.begin(),
                 Tag("h2", {{"id", absl::StrCat(kind.id, "-title")}},
                     {Text(absl::StrCat(kind.title, " ")),
                      Tag("span", {{"class", "count"}},
                          {Text(absl::StrCat(group.count))})}));
  if (kind.verdict == Verdict::kUnmet) {
    content.insert(content.begin() + 1,
                   Tag("p", {{"class", "what"}},
                       {Text("A click on a command selects it.")}));
  }
  group.section = Tag(
      "section",
      {{"id", group.id}, {"aria-labelledby", absl::StrCat(kind.id, "-title")}},
      content);
  return group;
}

}  // namespace

std::vector<PageGroup> PageGroups(const std::vector<Row>& rows) {
  const std::vector<Line> lines = LinesOf(rows);
  std::vector<PageGroup> groups;
  for (const Kind& kind : kKinds) {
    std::vector<TopicEntries> topics = TopicsOf(kind, lines);
    if (kind.verdict == Verdict::kFact) {
      TopicEntries time = TimeFacts(rows);
      if (!time.entries.empty()) topics.push_back(std::move(time));
    }
    if (!topics.empty()) groups.push_back(GroupOf(kind, topics));
  }
  return groups;
}

}  // namespace mailcow
