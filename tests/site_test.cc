#include "exporter/site.h"

#include "exporter/json.h"
#include "exporter/page_style.h"
#include "fake_report.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

Report AReport() {
  return ReportOf({{&kMemory, {.labels = {}, .value = 2 * kGiB}}});
}

// A site with two topics, which remembers what it was asked.
class SiteTest : public testing::Test {
 protected:
  Site Make(const std::string& telemetry_path = "/metrics") {
    return Site({.telemetry_path = telemetry_path,
                 .host_name = "mail",
                 .topics =
                     [] {
                       return Topics{"clock", "memory"};
                     },
                 .scrape = [this](const Topics& topics, absl::Duration patience)
                     -> absl::StatusOr<Scraper::Text> {
                   scraped_.push_back(topics);
                   patience_ = patience;
                   if (!scrape_.ok()) return scrape_;
                   return std::make_shared<const std::string>("up 1\n");
                 },
                 .report = &AReport,
                 .reload =
                     [this] {
                       ++reloads_;
                       return reload_;
                     }});
  }

  Response Answer(absl::string_view method, absl::string_view path) {
    return Make().Answer({.method = method, .path = path});
  }
  Response Ask(absl::string_view path,
               std::vector<std::pair<std::string, std::string>> query) {
    return Make().Answer(
        {.method = "GET", .path = path, .query = std::move(query)});
  }

  absl::Status scrape_;
  absl::Status reload_;
  std::vector<Topics> scraped_;
  absl::Duration patience_;
  int reloads_ = 0;
};

TEST_F(SiteTest, TheTelemetryPathHasTheMetricsInTheTextFormat) {
  const Response response = Answer("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(*response.shared_body, "up 1\n");
  EXPECT_THAT(scraped_, ElementsAre(Topics{"clock", "memory"}));
}

TEST_F(SiteTest, TheTelemetryPathIsTheOneThatWasChosen) {
  const Site site = Make("/m");
  EXPECT_EQ(site.Answer({.method = "GET", .path = "/m"}).status, 200);
  EXPECT_EQ(site.Answer({.method = "GET", .path = "/metrics"}).status, 404);
}

TEST_F(SiteTest, CollectNamesTheTopicsThatAreAsked) {
  EXPECT_EQ(Ask("/metrics", {{"collect[]", "clock"}}).status, 200);
  EXPECT_EQ(Ask("/metrics", {{"collect[]", "clock"},
                             {"x", "y"},
                             {"collect[]", "memory"},
                             {"collect[]", "clock"}})
                .status,
            200);
  EXPECT_THAT(scraped_,
              ElementsAre(Topics{"clock"}, Topics{"clock", "memory"}));
}

TEST_F(SiteTest, ExcludeNamesTheTopicsThatAreNot) {
  EXPECT_EQ(Ask("/metrics", {{"exclude[]", "clock"}}).status, 200);
  EXPECT_THAT(scraped_, ElementsAre(Topics{"memory"}));
}

TEST_F(SiteTest, AQueryForWhatThereIsNotIsABadRequestAndCostsNoScrape) {
  for (const auto& query :
       std::vector<std::vector<std::pair<std::string, std::string>>>{
           {{"collect[]", "nosuch"}},
           {{"collect[]", ""}},
           {{"exclude[]", "nosuch"}},
           {{"collect[]", "clock"}, {"exclude[]", "memory"}},
           {{"exclude[]", "clock"}, {"exclude[]", "memory"}}}) {
    EXPECT_EQ(Ask("/metrics", query).status, 400);
  }
  EXPECT_THAT(scraped_, testing::IsEmpty());
}

TEST_F(SiteTest, ATopicThatThereIsNotIsNamedBesideThoseThatThereAre) {
  EXPECT_EQ(Ask("/metrics", {{"collect[]", "no\nsuch"}}).body,
            "there is no topic \"no\\x0asuch\"; there are clock, memory\n");
}

TEST_F(SiteTest, AScrapeIsAsPatientAsPrometheusSays) {
  const Site site = Make();
  site.Answer({.method = "GET", .path = "/metrics"});
  EXPECT_EQ(patience_, absl::Seconds(10));
  site.Answer({.method = "GET", .path = "/metrics", .scrape_timeout = "2.5"});
  EXPECT_EQ(patience_, absl::Seconds(2.5));
  for (const char* wrong : {"soon", "0", "-1", "nan", "inf", "1s"}) {
    EXPECT_EQ(
        site.Answer(
                {.method = "GET", .path = "/metrics", .scrape_timeout = wrong})
            .status,
        400)
        << wrong;
  }
}

TEST_F(SiteTest, AScrapeThatIsRefusedIsUnavailable) {
  scrape_ = absl::UnavailableError("too many");
  EXPECT_EQ(Answer("GET", "/metrics").status, 503);
  EXPECT_EQ(Answer("GET", "/metrics").body, "too many\n");
}

TEST_F(SiteTest, ThePageTellsOfTheHostUnderItsPolicy) {
  const Response response = Answer("GET", "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(response.headers, Contains(Pair("Content-Security-Policy",
                                              PageContentSecurityPolicy())));
  EXPECT_THAT(response.headers, Contains(Pair("Cache-Control", "no-store")));
  EXPECT_THAT(response.body, HasSubstr("memory"));
  EXPECT_THAT(response.body, HasSubstr("href=\"/metrics\""));
  EXPECT_THAT(response.body, HasSubstr("http-equiv=\"refresh\""));
}

TEST_F(SiteTest, ThePageDoesNotRefreshForThoseWhoSaySo) {
  EXPECT_THAT(Ask("/", {{"refresh", "off"}}).body,
              Not(HasSubstr("http-equiv=\"refresh\"")));
}

TEST_F(SiteTest, ThePageIsJsonForThoseWhoSaySo) {
  const Response response = Ask("/", {{"format", "json"}});
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, RenderJson(AReport()));
  EXPECT_EQ(Ask("/", {{"format", "xml"}}).status, 400);
}

TEST_F(SiteTest, IsHealthy) {
  EXPECT_EQ(Answer("GET", "/-/healthy").status, 200);
  EXPECT_EQ(Answer("GET", "/-/healthy").body, "healthy\n");
}

TEST_F(SiteTest, APostReloadsTheConfiguration) {
  EXPECT_EQ(Answer("POST", "/-/reload").status, 200);
  EXPECT_EQ(reloads_, 1);
  reload_ = absl::InvalidArgumentError("config.yml:1: no");
  EXPECT_EQ(Answer("POST", "/-/reload").status, 500);
  EXPECT_EQ(Answer("POST", "/-/reload").body, "config.yml:1: no\n");
}

TEST_F(SiteTest, NothingButAPostReloads) {
  for (const char* method : {"GET", "HEAD", "PUT"}) {
    const Response response = Answer(method, "/-/reload");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "POST")));
  }
  EXPECT_EQ(reloads_, 0);
}

TEST_F(SiteTest, HeadIsAnsweredAsGet) {
  EXPECT_EQ(Answer("HEAD", "/metrics").status, 200);
  EXPECT_EQ(*Answer("HEAD", "/metrics").shared_body, "up 1\n");
}

TEST_F(SiteTest, AnyOtherPathIsNotFoundToTheLetter) {
  for (const char* path : {"/metricsfoo", "/metrics/", "/metrics/x", "/METRICS",
                           "//metrics", "/metric", "", "/-/healthy/", "/x"}) {
    EXPECT_EQ(Answer("GET", path).status, 404) << path;
    EXPECT_EQ(Answer("POST", path).status, 404) << path;
  }
}

TEST_F(SiteTest, AnyOtherMethodIsNotAllowedAndCostsNoScrape) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    for (const char* path : {"/metrics", "/", "/-/healthy"}) {
      const Response response = Answer(method, path);
      EXPECT_EQ(response.status, 405) << method << path;
      EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "GET, HEAD")));
    }
  }
  EXPECT_THAT(scraped_, testing::IsEmpty());
}

TEST_F(SiteTest, ABodyIsRefusedEverywhere) {
  const Site site = Make();
  for (const char* path : {"/metrics", "/", "/-/healthy"}) {
    EXPECT_EQ(
        site.Answer({.method = "GET", .path = path, .has_body = true}).status,
        400);
  }
  EXPECT_EQ(
      site.Answer({.method = "POST", .path = "/-/reload", .has_body = true})
          .status,
      400);
  EXPECT_EQ(reloads_, 0);
}

}  // namespace
}  // namespace mailcow
