#include "exporter/page.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/html.h"
#include "exporter/page_groups.h"
#include "exporter/page_style.h"
#include "exporter/version.h"

namespace mailcow {
namespace {

constexpr absl::string_view kRefreshSeconds = "30";
constexpr char kDocumentation[] =
    "https://docs.mailcow.email/getstarted/prerequisite-system/";

// "Not ready: 8 required unmet".
std::string VerdictOf(const Counts& counts) {
  if (IsReady(counts)) return "Ready";
  std::vector<std::string> why;
  if (counts.unmet_required > 0) {
    why.push_back(absl::StrCat(counts.unmet_required, " required unmet"));
  }
  if (counts.unknown_required > 0) {
    why.push_back(absl::StrCat(counts.unknown_required, " required unknown"));
  }
  return absl::StrCat("Not ready: ", absl::StrJoin(why, ", "));
}

// A picture in the page itself: a browser need not ask for another.
std::string Icon(bool is_ready) {
  return absl::StrCat(
      "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' "
      "viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='8' fill='",
      is_ready ? "%23067647" : "%23b42318",
      "'/%3E%3Cpath fill='none' stroke='white' stroke-width='2' d='",
      is_ready ? "M4 8.5l3 3 5-6" : "M5 5l6 6M11 5l-6 6", "'/%3E%3C/svg%3E");
}

Html Head(const Counts& counts, const PageSettings& settings) {
  std::vector<Html> children = {
      VoidTag("meta", {{"charset", "utf-8"}}),
      VoidTag("meta", {{"name", "viewport"},
                       {"content", "width=device-width, initial-scale=1"}}),
      VoidTag("meta", {{"name", "color-scheme"}, {"content", "light dark"}}),
      VoidTag("link", {{"rel", "icon"}, {"href", Icon(IsReady(counts))}}),
      Tag("title", {},
          {Text(settings.host_name.empty()
                    ? VerdictOf(counts)
                    : absl::StrCat(VerdictOf(counts), " - ",
                                   settings.host_name))}),
      Tag("style", {}, {Html{std::string(PageStyle())}})};
  if (settings.refreshes) {
    children.push_back(
        VoidTag("meta", {{"http-equiv", "refresh"},
                         {"content", std::string(kRefreshSeconds)}}));
  }
  return Tag("head", {}, children);
}

Html Link(const std::string& href, absl::string_view text) {
  return Tag("a", {{"href", href}}, {Text(text)});
}

// When the host was asked, by its own clock; empty where that is not known.
std::string TimeOf(const std::vector<Row>& rows) {
  const auto time = std::find_if(rows.begin(), rows.end(), [](const Row& row) {
    return row.requirement().id == "time" && row.reading().value.ok();
  });
  return time == rows.end() ? "" : time->reading().detail;
}

Html Freshness(const std::string& time, bool refreshes) {
  std::vector<Html> parts;
  if (!time.empty()) parts.push_back(Text(absl::StrCat("As of ", time, ". ")));
  if (refreshes) {
    parts.push_back(
        Text(absl::StrCat("Refreshes every ", kRefreshSeconds, " seconds. ")));
    parts.push_back(Link("/?refresh=off", "Stop refreshing"));
  } else {
    parts.push_back(Text("Does not refresh. "));
    parts.push_back(
        Link("/", absl::StrCat("Refresh every ", kRefreshSeconds, " seconds")));
  }
  return Tag("p", {{"class", "freshness"}}, parts);
}

Html Header(const Counts& counts, const std::string& time,
            const PageSettings& settings) {
  const bool is_ready = IsReady(counts);
  const std::string subject = settings.host_name.empty()
                                  ? "this host"
                                  : std::string(settings.host_name);
  return Tag("header", {{"class", is_ready ? "ready" : "not-ready"}},
             {Tag("p", {},
                  {Text(absl::StrCat("Is ", subject,
                                     " fit for mailcow: dockerized?"))}),
              Tag("h1", {},
                  {Tag("span", {{"class", "mark"}, {"aria-hidden", "true"}},
                       {Text(is_ready ? "\u2713" : "\u2717")}),
                   Text(" "), Text(VerdictOf(counts))}),
              Freshness(time, settings.refreshes)});
}

Html Navigation(const std::vector<PageGroup>& groups) {
  std::vector<Html> items;
  for (const PageGroup& group : groups) {
    items.push_back(Tag("li", {{"class", group.id}},
                        {Tag("a", {{"href", absl::StrCat("#", group.id)}},
                             {Tag("b", {}, {Text(absl::StrCat(group.count))}),
                              Text(" "), Text(group.title)})}));
  }
  return Tag("nav", {{"aria-label", "Verdicts"}}, {Tag("ul", {}, items)});
}

Html Footer(const PageSettings& settings) {
  return Tag(
      "footer", {},
      {Tag("ul", {},
           {Tag("li", {},
                {Link(kDocumentation, "mailcow's page Prepare Your System")}),
            Tag("li", {},
                {Link(std::string(settings.telemetry_path), "Metrics")}),
            Tag("li", {}, {Link("/?format=json", "JSON")}),
            Tag("li", {}, {Link("/-/healthy", "Health")})}),
       Tag("p", {}, {Text(absl::StrCat("mailcow_host_exporter ", kVersion))})});
}

}  // namespace

std::string RenderPage(const Report& report, const PageSettings& settings) {
  const std::vector<Row> rows = RowsOf(report);
  const Counts counts = Count(rows);
  const std::vector<PageGroup> groups = PageGroups(rows);
  std::vector<Html> sections;
  for (const PageGroup& group : groups) sections.push_back(group.section);
  const Html body =
      Tag("body", {},
          {Header(counts, TimeOf(rows), settings), Navigation(groups),
           Tag("main", {}, sections), Footer(settings)});
  return absl::StrCat(
      "<!DOCTYPE html>\n",
      Tag("html", {{"lang", "en"}}, {Head(counts, settings), body}).markup);
}

}  // namespace mailcow
