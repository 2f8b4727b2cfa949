#include "exporter/page.h"

#include <openssl/evp.h>

#include <array>
#include <regex>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "exporter/page_entry.h"
#include "exporter/page_style.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_report.h"

namespace mailcow {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Requirement kTime = {
    .id = "time", .unit = Unit::kSeconds, .what = "", .source = ""};
constexpr Requirement kDst = {.id = "dst_active", .what = "", .source = ""};
constexpr Requirement kNtp = {.id = "ntp_enabled",
                              .required = Yes(),
                              .what = "A time daemon is on",
                              .remedy = "timedatectl set-ntp true",
                              .source = ""};

Finding Port(std::string port, absl::StatusOr<double> value,
             std::string detail = "", std::string remedy = "") {
  return {&kForeign,
          {.labels = {{"port", std::move(port)}},
           .value = std::move(value),
           .detail = std::move(detail),
           .remedy = std::move(remedy)}};
}

Finding Memory(double gib) {
  return {&kMemory, {.labels = {}, .value = gib * kGiB}};
}

std::string Page(std::vector<Finding> findings,
                 PageSettings settings = {.telemetry_path = "/m"}) {
  return RenderPage(ReportOf(std::move(findings)), settings);
}

// The words of the body.
std::string WordsOf(const std::string& html) {
  const std::string body = html.substr(html.find("<body>"));
  return std::regex_replace(
      std::regex_replace(body, std::regex("<[^>]*>"), " "), std::regex("\\s+"),
      " ");
}

// The name of the first element that does not end where it should.
std::string FirstUnbalanced(const std::string& html) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)([^>]*)>");
  for (std::sregex_iterator it(html.begin(), html.end(), tag), end; it != end;
       ++it) {
    const std::string name = (*it)[2];
    if (name == "meta" || name == "link") continue;
    if ((*it)[1].length() == 0) {
      open.push_back(name);
    } else if (open.empty() || open.back() != name) {
      return name;
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back();
}

TEST(RenderPage, TitleAndHeadingSayTheVerdictInWords) {
  for (const auto& [findings, verdict] :
       std::vector<std::pair<std::vector<Finding>, std::string>>{
           {{Memory(8)}, "Ready"},
           {{Memory(2)}, "Ready"},
           {{Memory(0.5)}, "Not ready: 1 required unmet"},
           {{Port("25", absl::DataLossError("x"))},
            "Not ready: 1 required unknown"},
           {{Memory(0.5), Port("25", absl::DataLossError("x"))},
            "Not ready: 1 required unmet, 1 required unknown"}}) {
    const std::string page = Page(findings);
    EXPECT_THAT(page, HasSubstr(absl::StrCat("<title>", verdict, "</title>")));
    EXPECT_THAT(page, HasSubstr(absl::StrCat("</span> ", verdict, "</h1>")));
  }
}

TEST(RenderPage, TheHeadingHasASymbolAndAPictureOfItsVerdict) {
  EXPECT_THAT(Page({Memory(8)}), HasSubstr(">\u2713</span> Ready</h1>"));
  EXPECT_THAT(Page({Memory(0)}), HasSubstr(">\u2717</span> Not ready"));
  EXPECT_THAT(Page({Memory(8)}), HasSubstr("%23067647"));
  EXPECT_THAT(Page({Memory(0)}), HasSubstr("%23b42318"));
}

TEST(RenderPage, NamesTheHostWhereItIsKnown) {
  const std::string page =
      Page({Memory(8)}, {.telemetry_path = "/m", .host_name = "mx<1>"});
  EXPECT_THAT(page, HasSubstr("<title>Ready - mx&lt;1&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("Is mx&lt;1&gt; fit for mailcow: dockerized?"));
  EXPECT_THAT(Page({}), HasSubstr("Is this host fit for mailcow: dockerized?"));
}

TEST(RenderPage, UnmetIsFirstThenUnknownThenMetThenFacts) {
  const std::string text =
      WordsOf(Page({{&kSwap, {.labels = {}, .value = 0}},
                    Memory(2),
                    Port("25", 0),
                    Port("80", absl::DataLossError("sock_diag sent nothing")),
                    Port("443", 3)}));
  size_t position = 0;
  for (const char* part :
       {"Unmet: required 1", "foreign_listeners 443", "Unmet: recommended 1",
        "memory", "Unknown 1", "foreign_listeners 80", "Met 2", "memory",
        "foreign_listeners 25", "Facts 1", "swap"}) {
    position = text.find(part, position);
    ASSERT_NE(position, std::string::npos) << part << " in " << text;
  }
}

TEST(RenderPage, GroupThatHasNothingIsNotThere) {
  const std::string page = Page({Memory(8)});
  EXPECT_THAT(page, HasSubstr("id=\"met\""));
  for (const char* id : {"unmet", "recommended", "unknown", "facts"}) {
    EXPECT_THAT(page, Not(HasSubstr(absl::StrCat("id=\"", id, "\""))));
    EXPECT_THAT(page, Not(HasSubstr(absl::StrCat("href=\"#", id, "\""))));
  }
}

TEST(RenderPage, AnUnmetOneHasValueLimitAgeWhatWasFoundAndTheRemedy) {
  EXPECT_THAT(
      WordsOf(Page({Port("25", 2, "exim4 at 0.0.0.0:25")})),
      HasSubstr(
          "\u2717 unmet foreign_listeners 25 Measured 2 Limit at most 0 "
          "Age now Found: exim4 at 0.0.0.0:25 Remedy: stop the service "));
  EXPECT_THAT(
      WordsOf(Page({Memory(2)})),
      HasSubstr("Measured 2 GiB Limit at least 6 GiB Age now Remedy: add "
                "RAM "));
}

TEST(RenderPage, SaysInWordsWhatIsAsked) {
  EXPECT_THAT(
      WordsOf(Page({{&kNtp, {.labels = {}, .value = 0}}})),
      HasSubstr("ntp_enabled A time daemon is on Measured no Limit yes"));
}

TEST(RenderPage, CommandsOfARemedyAreToBeCopied) {
  EXPECT_THAT(Page({Port("25", 1, "", "free it, then docker stop web")}),
              HasSubstr("<b>Remedy:</b> free it, then <kbd>docker stop "
                        "web</kbd></p>"));
  EXPECT_THAT(Page({Memory(2)}), Not(HasSubstr("<kbd>")));
}

TEST(RenderPage, AnUnknownOneHasItsReasonAndLevel) {
  EXPECT_THAT(
      WordsOf(Page({Port("25", absl::DataLossError("sent nothing"))})),
      HasSubstr("? unknown foreign_listeners 25 Limit at most 0 Level required "
                "Age now Reason: sent nothing "));
}

TEST(RenderPage, AnUnknownFactHasNeitherLimitNorLevel) {
  EXPECT_THAT(
      WordsOf(Page(
          {{&kSwap, {.labels = {}, .value = absl::DataLossError("gone")}}})),
      HasSubstr("? unknown swap Age now Reason: gone "));
}

TEST(RenderPage, AMetOneIsARowOfItsTopicsTable) {
  const std::string page = Page({Port("25", 0, "free"), Memory(8)});
  EXPECT_THAT(page, HasSubstr("<caption><h3>topic</h3>\n</caption>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"col\">Limit</th>"));
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">"));
  EXPECT_THAT(
      WordsOf(page),
      HasSubstr("\u2713 foreign_listeners 25 free 0 at most 0 required now"));
  EXPECT_THAT(WordsOf(page),
              HasSubstr("\u2713 memory 8 GiB at least 6 GiB recommended now"));
}

TEST(RenderPage, WhatIsMetByAnAllowanceSaysSo) {
  constexpr Requirement kAllowing = {.id = "memory",
                                     .unit = Unit::kBytes,
                                     .required = AtLeast(1024, 512),
                                     .what = "",
                                     .source = ""};
  EXPECT_THAT(WordsOf(Page({{&kAllowing, {.labels = {}, .value = 1023}}})),
              HasSubstr("at least 1 KiB, with an allowance of 512 B required"));
  EXPECT_THAT(Page({{&kAllowing, {.labels = {}, .value = 1024}}}),
              Not(HasSubstr("allowance")));
}

TEST(RenderPage, FindingsThatDifferOnlyInTheirSubjectShareARowAndAllCount) {
  const std::string text =
      WordsOf(Page({Port("25", 0), Port("80", 0), Port("443", 0)}));
  EXPECT_THAT(text, HasSubstr("foreign_listeners 25, 80, 443 0 at most 0"));
  EXPECT_THAT(text, HasSubstr("3 Met"));
  EXPECT_THAT(text, HasSubstr("Met 3"));
}

TEST(RenderPage, FactsAreFoldedAndTheTimeIsInTimedatectlsWords) {
  const std::string page =
      Page({{&kSwap, {.labels = {}, .value = 0}},
            {&kTime, {.labels = {}, .value = 1, .detail = "Thu 00:00:01 UTC"}},
            {&kDst, {.labels = {}, .value = 1}}});
  EXPECT_THAT(page, HasSubstr("<details><summary>"));
  const std::string text = WordsOf(page);
  EXPECT_THAT(text, HasSubstr("swap 0 B now"));
  EXPECT_THAT(text, HasSubstr("time Finding Value Age Local time ? now "
                              "Universal time Thu 00:00:01 UTC now "
                              "DST active yes now"));
  EXPECT_THAT(text, Not(HasSubstr("dst_active")));
  EXPECT_THAT(text, HasSubstr("Facts 4"));
}

TEST(RenderPage, VerdictsOnTheTimeAreNotAmongTheFacts) {
  const std::string text = WordsOf(Page({{&kNtp, {.labels = {}, .value = 1}}}));
  EXPECT_THAT(text, HasSubstr("\u2713 ntp_enabled"));
  EXPECT_THAT(text, Not(HasSubstr("NTP enabled")));
  EXPECT_THAT(text, Not(HasSubstr("Facts")));
}

TEST(RenderPage, TopicsAreApartEachWithItsAge) {
  const Report report = {.sections = {{.topic = "ports",
                                       .cadence = std::nullopt,
                                       .findings = {Port("25", 1)}},
                                      {.topic = "memory",
                                       .cadence = std::nullopt,
                                       .findings = {Memory(0.5)},
                                       .age = absl::Seconds(12)}}};
  const std::string text =
      WordsOf(RenderPage(report, {.telemetry_path = "/m"}));
  EXPECT_THAT(text, HasSubstr("command selects it. ports \u2717 unmet "
                              "foreign_listeners 25"));
  EXPECT_THAT(text, HasSubstr("Limit at most 0 Age now"));
  EXPECT_THAT(text,
              HasSubstr("Remedy: stop the service memory \u2717 unmet memory"));
  EXPECT_THAT(text, HasSubstr("Limit at least 1 GiB Age 12 s ago"));
}

TEST(AgeInWords, IsRoundedDownToWhatAPersonReads) {
  EXPECT_EQ(AgeInWords(absl::ZeroDuration()), "now");
  EXPECT_EQ(AgeInWords(absl::Milliseconds(999)), "now");
  EXPECT_EQ(AgeInWords(absl::Seconds(1)), "1 s ago");
  EXPECT_EQ(AgeInWords(absl::Seconds(119)), "119 s ago");
  EXPECT_EQ(AgeInWords(absl::Seconds(120)), "2 min ago");
  EXPECT_EQ(AgeInWords(absl::Seconds(7199)), "119 min ago");
  EXPECT_EQ(AgeInWords(absl::Seconds(7200)), "2 h ago");
  EXPECT_EQ(AgeInWords(absl::InfiniteDuration()), "never measured");
}

TEST(RenderPage, SaysWhenByTheHostsClock) {
  EXPECT_THAT(
      WordsOf(Page(
          {{&kTime, {.labels = {}, .value = 1, .detail = "Thu 00:00 UTC"}}})),
      HasSubstr("As of Thu 00:00 UTC. Refreshes every 30 seconds. "));
  EXPECT_THAT(Page({{&kTime,
                     {.labels = {},
                      .value = absl::DataLossError("gone"),
                      .detail = "long ago"}}}),
              Not(HasSubstr("As of")));
}

TEST(RenderPage, RefreshesUnlessToldNotTo) {
  constexpr char kRefresh[] = "<meta http-equiv=\"refresh\" content=\"30\">";
  const std::string refreshing = Page({});
  EXPECT_THAT(refreshing, HasSubstr(kRefresh));
  EXPECT_THAT(refreshing, HasSubstr("<a href=\"/?refresh=off\">"));
  const std::string still =
      Page({}, {.telemetry_path = "/m", .refreshes = false});
  EXPECT_THAT(still, Not(HasSubstr("http-equiv")));
  EXPECT_THAT(still, HasSubstr("<a href=\"/\">"));
  EXPECT_THAT(still, Not(HasSubstr("refresh=off")));
}

TEST(RenderPage, LinksToTheMetricsAndTheDocumentationOfMailcow) {
  const std::string page = Page({}, {.telemetry_path = "/\"><b>&"});
  for (const char* href :
       {"https://docs.mailcow.email/getstarted/prerequisite-system/",
        "/&quot;&gt;&lt;b&gt;&amp;", "/?format=json", "/-/healthy"}) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat("<a href=\"", href, "\">")));
  }
}

TEST(RenderPage, EscapesWhateverTheHostSays) {
  const std::string evil = "<script>\n\"'&\xff\xe2\x80\xae";
  const std::string shown = "&lt;script&gt;\\x0a&quot;&#39;&amp;\uFFFD\\u202e";
  Report report =
      ReportOf({Port(evil, 1, evil, evil),
                Port(evil, 0, evil),
                Port(evil, absl::DataLossError(evil)),
                {&kTime, {.labels = {}, .value = 1, .detail = evil}}});
  report.sections.front().topic = evil;
  const std::string page =
      RenderPage(report, {.telemetry_path = "/", .host_name = evil});
  for (const char* raw : {"<script", "\xff", "\xe2\x80\xae"}) {
    EXPECT_THAT(page, Not(HasSubstr(raw)));
  }
  // Of each: topic, subject, detail, remedy, reason, the time and the host.
  const auto count =
      std::vector<std::string>(absl::StrSplit(page, shown)).size() - 1;
  EXPECT_EQ(count, 14U);
  EXPECT_EQ(FirstUnbalanced(page), "");
}

TEST(RenderPage, EveryElementEndsWhereItShould) {
  EXPECT_EQ(FirstUnbalanced(Page({{&kSwap, {.labels = {}, .value = 0}},
                                  Memory(2),
                                  Port("25", 1),
                                  Port("80", absl::DataLossError("x"))})),
            "");
  EXPECT_EQ(FirstUnbalanced(Page({})), "");
}

TEST(RenderPage, HasNoScriptAndNoStyleButItsOne) {
  const std::string page = Page({Memory(2), Port("25", 1)});
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  EXPECT_THAT(page,
              HasSubstr(absl::StrCat("<style>", PageStyle(), "</style>")));
}

TEST(PageContentSecurityPolicy, AllowsTheStyleOfThePageAndNothingElse) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
  unsigned int size = 0;
  const absl::string_view style = PageStyle();
  ASSERT_EQ(EVP_Digest(style.data(), style.size(), digest.data(), &size,
                       EVP_sha256(), nullptr),
            1);
  EXPECT_EQ(
      PageContentSecurityPolicy(),
      absl::StrCat("default-src 'none'; style-src 'sha256-",
                   absl::Base64Escape(
                       std::string(digest.begin(), digest.begin() + size)),
                   "'; img-src data:; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'none'"));
}

}  // namespace
}  // namespace mailcow
