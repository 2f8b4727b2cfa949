#include "exporter/site.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::HasSubstr;

Response Answer(absl::string_view method, absl::string_view path) {
  const Site site("/metrics", [] { return "up 1\n"; });
  return site.Answer({.method = method, .path = path});
}

TEST(Site, TheTelemetryPathHasTheMetricsInTheTextFormat) {
  const Response response = Answer("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "up 1\n");
}

TEST(Site, EachScrapeIsRenderedAnew) {
  int scrapes = 0;
  const Site site("/metrics", [&] { return std::to_string(++scrapes); });
  EXPECT_EQ(site.Answer({.method = "GET", .path = "/metrics"}).body, "1");
  EXPECT_EQ(site.Answer({.method = "GET", .path = "/metrics"}).body, "2");
}

TEST(Site, TheTelemetryPathIsTheOneThatWasChosen) {
  const Site site("/m", [] { return "up 1\n"; });
  EXPECT_EQ(site.Answer({.method = "GET", .path = "/m"}).body, "up 1\n");
  EXPECT_EQ(site.Answer({.method = "GET", .path = "/metrics"}).status, 404);
}

TEST(Site, ThePageLinksToWhatIsServed) {
  const Response response = Answer("GET", "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("href=\"/metrics\""));
  EXPECT_THAT(response.body, HasSubstr("href=\"/-/healthy\""));
}

TEST(Site, ThePageEscapesTheTelemetryPath) {
  const Site site("/\"><b>&", [] { return ""; });
  EXPECT_THAT(site.Answer({.method = "GET", .path = "/"}).body,
              HasSubstr("href=\"/&quot;&gt;&lt;b&gt;&amp;\""));
}

TEST(Site, IsHealthy) {
  EXPECT_EQ(Answer("GET", "/-/healthy").status, 200);
  EXPECT_EQ(Answer("GET", "/-/healthy").body, "healthy\n");
}

TEST(Site, HeadIsAnsweredAsGet) {
  EXPECT_EQ(Answer("HEAD", "/metrics").status, 200);
  EXPECT_EQ(Answer("HEAD", "/metrics").body, "up 1\n");
}

TEST(Site, AnyOtherPathIsNotFoundToTheLetter) {
  for (const char* path : {"/metricsfoo", "/metrics/", "/metrics/x", "/METRICS",
                           "//metrics", "/metric", "", "/-/healthy/", "/x"}) {
    EXPECT_EQ(Answer("GET", path).status, 404) << path;
  }
}

TEST(Site, AnyOtherMethodIsNotAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    EXPECT_EQ(Answer(method, "/metrics").status, 405) << method;
    EXPECT_EQ(Answer(method, "/").status, 405) << method;
  }
}

TEST(Site, AMethodThatIsNotAllowedCostsNoScrape) {
  bool was_rendered = false;
  const Site site("/metrics", [&] {
    was_rendered = true;
    return "";
  });
  site.Answer({.method = "POST", .path = "/metrics"});
  EXPECT_FALSE(was_rendered);
}

TEST(Site, AnUnknownPathIsNotFoundWhateverTheMethod) {
  EXPECT_EQ(Answer("POST", "/x").status, 404);
}

}  // namespace
}  // namespace mailcow
