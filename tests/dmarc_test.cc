#include "collectors/dmarc.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

// What is wrong with a record that has these tags; empty where nothing is.
std::string Wrong(absl::string_view tags) {
  const absl::Status status =
      CheckDmarc({absl::StrCat("v=DMARC1; p=none; ", tags)});
  EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << tags;
  return std::string(status.message());
}

bool IsFound(const std::string& text) {
  return !absl::IsNotFound(CheckDmarc({text}));
}

TEST(FindDmarcPolicy, PolicyIsOneOfThree) {
  EXPECT_EQ(*FindDmarcPolicy({"v=DMARC1; p=none"}), "none");
  EXPECT_EQ(*FindDmarcPolicy({"v=DMARC1;p=quarantine;"}), "quarantine");
  EXPECT_EQ(*FindDmarcPolicy({"v=DMARC1; p=REJECT"}), "reject");
  EXPECT_EQ(FindDmarcPolicy({"v=DMARC1; p=refuse"}).status().message(),
            "p=\"refuse\" is not none, quarantine or reject");
}

TEST(FindDmarcPolicy, PolicyMayStandAnywhereBehindTheVersion) {
  EXPECT_EQ(*FindDmarcPolicy({"v=DMARC1; pct=50; p=reject"}), "reject");
}

TEST(FindDmarcPolicy, PolicyMustBeThere) {
  const auto status = FindDmarcPolicy({"v=DMARC1; sp=none"}).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "\"v=DMARC1; sp=none\" lacks p=");
  EXPECT_TRUE(absl::IsDataLoss(CheckDmarc({"v=DMARC1"})));
}

TEST(FindDmarcPolicy, NoneIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(CheckDmarc({})));
  EXPECT_TRUE(absl::IsNotFound(CheckDmarc({"v=spf1 -all"})));
}

TEST(FindDmarcPolicy, OtherRecordsMayStandBesideIt) {
  EXPECT_EQ(*FindDmarcPolicy({"v=spf1 -all", "v=DMARC1; p=none"}), "none");
}

TEST(FindDmarcPolicy, SeveralAreAnError) {
  const absl::Status status =
      CheckDmarc({"v=DMARC1; p=none", "v=DMARC1; p=none"});
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(),
            "2 TXT records begin with v=DMARC1 where there may be one");
}

TEST(FindDmarcPolicy, VersionIsTheFirstTagInFixedCase) {
  EXPECT_TRUE(IsFound("v=DMARC1;p=none"));
  EXPECT_TRUE(IsFound("v = DMARC1 ; p=none"));
  EXPECT_FALSE(IsFound("v=dmarc1; p=none"));
  EXPECT_FALSE(IsFound("V=DMARC1; p=none"));
  EXPECT_FALSE(IsFound(" v=DMARC1; p=none"));
  EXPECT_FALSE(IsFound("v=DMARC10; p=none"));
  EXPECT_FALSE(IsFound("v=DMARC1 p=none"));
  EXPECT_FALSE(IsFound("p=none; v=DMARC1"));
}

TEST(CheckDmarc, TagThatStandsTwiceIsAnError) {
  EXPECT_EQ(Wrong("p=none"), "\"p\" stands twice");
}

TEST(CheckDmarc, UnknownTagsAreSkipped) {
  EXPECT_EQ(Wrong("np=reject; psd=n; t=y; x=!"), "");
}

TEST(CheckDmarc, PolicyOfSubdomainsIsOneOfThree) {
  EXPECT_EQ(Wrong("sp=quarantine"), "");
  EXPECT_EQ(Wrong("sp="), "sp=\"\" is not none, quarantine or reject");
}

TEST(CheckDmarc, AlignmentIsRelaxedOrStrict) {
  EXPECT_EQ(Wrong("adkim=r; aspf=s"), "");
  EXPECT_EQ(Wrong("adkim=S; aspf=R"), "");
  EXPECT_EQ(Wrong("adkim=x"), "adkim=\"x\" is not r or s");
  EXPECT_EQ(Wrong("aspf=relaxed"), "aspf=\"relaxed\" is not r or s");
}

TEST(CheckDmarc, PercentageIsFrom0To100) {
  EXPECT_EQ(Wrong("pct=0"), "");
  EXPECT_EQ(Wrong("pct=100"), "");
  for (const char* value : {"101", "-1", "", "1.5", "50%", "0100", "+5"}) {
    EXPECT_EQ(
        Wrong(absl::StrCat("pct=", value)),
        absl::StrCat("pct=\"", value, "\" is not a number from 0 to 100"));
  }
}

TEST(CheckDmarc, FailureOptionsAreAList) {
  EXPECT_EQ(Wrong("fo=0"), "");
  EXPECT_EQ(Wrong("fo=1:d:s"), "");
  EXPECT_EQ(Wrong("fo=1 : d"), "");
  for (const char* value : {"2", "", "1:", "ds", "1,d"}) {
    EXPECT_NE(Wrong(absl::StrCat("fo=", value)), "") << value;
  }
}

TEST(CheckDmarc, ReportFormatsAreAListOfWords) {
  EXPECT_EQ(Wrong("rf=afrf"), "");
  EXPECT_EQ(Wrong("rf=afrf:x-2"), "");
  EXPECT_NE(Wrong("rf="), "");
  EXPECT_NE(Wrong("rf=a,b"), "");
}

TEST(CheckDmarc, IntervalIsAnUnsignedNumberOf32Bits) {
  EXPECT_EQ(Wrong("ri=86400"), "");
  EXPECT_EQ(Wrong("ri=4294967295"), "");
  EXPECT_NE(Wrong("ri=4294967296"), "");
  EXPECT_NE(Wrong("ri=-1"), "");
  EXPECT_NE(Wrong("ri=1d"), "");
}

TEST(CheckDmarc, ReportsGoToUris) {
  EXPECT_EQ(Wrong("rua=mailto:a@example.org"), "");
  EXPECT_EQ(Wrong("rua=mailto:a@example.org , mailto:b@example.org"), "");
  EXPECT_EQ(Wrong("ruf=https://example.org/report"), "");
  for (const char* value :
       {"a@example.org", "", "mailto:a@example.org,", "mailto:", "mailto:a",
        "mailto:a@example.org mailto:b@example.org", "x:", ":x", "1x:y",
        "https:a b"}) {
    EXPECT_NE(Wrong(absl::StrCat("rua=", value)), "") << value;
    EXPECT_NE(Wrong(absl::StrCat("ruf=", value)), "") << value;
  }
  EXPECT_EQ(Wrong("rua=a@example.org"),
            "rua=\"a@example.org\" is not URIs like mailto:ADDRESS between "
            "commas");
}

TEST(CheckDmarc, SizeOfReportsMayBeLimited) {
  EXPECT_EQ(Wrong("rua=mailto:a@example.org!10m"), "");
  EXPECT_EQ(Wrong("rua=mailto:a@example.org!4096,mailto:b@example.org!1G"), "");
  for (const char* size : {"!", "!m", "!10x", "!10mm", "!-1", "!1!2"}) {
    EXPECT_NE(Wrong(absl::StrCat("rua=mailto:a@example.org", size)), "")
        << size;
  }
}

}  // namespace
}  // namespace mailcow
