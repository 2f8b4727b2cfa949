#include "collectors/tls_rpt.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

std::string Wrong(const std::string& text) {
  const absl::Status status = CheckTlsRpt({text});
  EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << text;
  return std::string(status.message());
}

TEST(CheckTlsRpt, ReportsGoToMailOrHttps) {
  EXPECT_EQ(Wrong("v=TLSRPTv1; rua=mailto:tls@example.org"), "");
  EXPECT_EQ(Wrong("v=TLSRPTv1;rua=https://example.org/tls?a=b;"), "");
  EXPECT_EQ(Wrong("v=TLSRPTv1; rua=mailto:a@example.org , https://b.example"),
            "");
}

TEST(CheckTlsRpt, OtherWaysToReportAreErrors) {
  EXPECT_EQ(Wrong("v=TLSRPTv1; rua=tls@example.org"),
            "rua=\"tls@example.org\" is not mailto: or https:");
  for (const char* uris :
       {"", "mailto:", "http://example.org", "https:", "https://", "https:///x",
        "https://a b", "mailto:a@example.org,", ",mailto:a@example.org"}) {
    EXPECT_NE(Wrong(absl::StrCat("v=TLSRPTv1; rua=", uris)), "") << uris;
  }
}

TEST(CheckTlsRpt, ReportsMustGoSomewhere) {
  EXPECT_EQ(Wrong("v=TLSRPTv1;"), "\"v=TLSRPTv1;\" lacks rua=");
}

TEST(CheckTlsRpt, UnknownFieldsAreSkipped) {
  EXPECT_EQ(Wrong("v=TLSRPTv1; x-y=1; rua=mailto:a@example.org"), "");
}

TEST(CheckTlsRpt, MalformedFieldIsAnError) {
  EXPECT_NE(Wrong("v=TLSRPTv1; rua=mailto:a@example.org; x"), "");
}

TEST(CheckTlsRpt, WhatDoesNotBeginSoToTheLetterIsNone) {
  EXPECT_TRUE(absl::IsNotFound(CheckTlsRpt({})));
  for (const char* text : {"v=TLSRPTv1", "v=tlsrptv1; rua=mailto:a@b.example",
                           "v=TLSRPTv1 ; rua=mailto:a@b.example"}) {
    EXPECT_TRUE(absl::IsNotFound(CheckTlsRpt({text}))) << text;
  }
}

TEST(CheckTlsRpt, ThereIsOne) {
  const std::string good = "v=TLSRPTv1; rua=mailto:a@example.org";
  EXPECT_TRUE(CheckTlsRpt({"other", good}).ok());
  EXPECT_TRUE(absl::IsDataLoss(CheckTlsRpt({good, good})));
}

}  // namespace
}  // namespace mailcow
