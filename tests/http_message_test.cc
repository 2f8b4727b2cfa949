#include "exporter/http_message.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

TEST(HttpMessage, HasStatusHeadersAndBody) {
  EXPECT_EQ(HttpMessage({.status = 404, .body = "not found\n"}, {}, {}),
            "HTTP/1.1 404 Not Found\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 10\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Connection: close\r\n"
            "\r\n"
            "not found\n");
}

TEST(HttpMessage, WithoutItsBodyItHasTheLengthOfIt) {
  const std::string message =
      HttpMessage({.body = "healthy\n"}, {}, {.with_body = false});
  EXPECT_THAT(message, HasSubstr("\r\nContent-Length: 8\r\n"));
  EXPECT_THAT(message, EndsWith("\r\n\r\n"));
}

TEST(HttpMessage, ASharedBodyStandsInForItsOwn) {
  Response response;
  response.shared_body = std::make_shared<const std::string>("up 1\n");
  EXPECT_THAT(HttpMessage(response, {}, {}), EndsWith("\r\n\r\nup 1\n"));
}

TEST(HttpMessage, SaysWhetherTheConnectionIsKept) {
  EXPECT_THAT(HttpMessage({}, {}, {.keep_alive = true}),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
}

TEST(HttpMessage, WhatIsConfiguredStandsInForTheResponsesOwnInAnyCase) {
  const std::string message = HttpMessage(
      {.headers = {{"Content-Security-Policy", "own"}, {"Allow", "GET"}}},
      {{"content-security-policy", "configured"}}, {});
  EXPECT_THAT(message,
              HasSubstr("\r\ncontent-security-policy: configured\r\n"));
  EXPECT_THAT(message, HasSubstr("\r\nAllow: GET\r\n"));
  EXPECT_THAT(message, Not(HasSubstr("own")));
}

TEST(ReasonPhrase, OfWhatHasNoneIsThatOfAServersError) {
  EXPECT_EQ(ReasonPhrase(429), "Too Many Requests");
  EXPECT_EQ(ReasonPhrase(599), "Internal Server Error");
}

}  // namespace
}  // namespace mailcow
