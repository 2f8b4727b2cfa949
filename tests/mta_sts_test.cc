#include "collectors/mta_sts.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

std::string Wrong(const std::string& text) {
  const absl::Status status = CheckMtaSts({text});
  EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << text;
  return std::string(status.message());
}

TEST(CheckMtaSts, HasAnId) {
  EXPECT_EQ(Wrong("v=STSv1; id=20261122T000000;"), "");
  EXPECT_EQ(Wrong("v=STSv1;id=1"), "");
  EXPECT_EQ(Wrong("v=STSv1;"), "\"v=STSv1;\" lacks id=");
}

TEST(CheckMtaSts, IdIsUpTo32LettersAndDigits) {
  EXPECT_EQ(Wrong(absl::StrCat("v=STSv1; id=", std::string(32, 'a'))), "");
  EXPECT_NE(Wrong(absl::StrCat("v=STSv1; id=", std::string(33, 'a'))), "");
  EXPECT_EQ(Wrong("v=STSv1; id=2026-11-22"),
            "id=\"2026-11-22\" is not 1 to 32 letters and digits");
  EXPECT_NE(Wrong("v=STSv1; id="), "");
}

TEST(CheckMtaSts, UnknownFieldsAreSkipped) {
  EXPECT_EQ(Wrong("v=STSv1; x-y.z=1; id=1"), "");
}

TEST(CheckMtaSts, MalformedFieldIsAnError) {
  EXPECT_NE(Wrong("v=STSv1; id=1; x"), "");
  EXPECT_NE(Wrong("v=STSv1; id=1; id=2"), "");
  EXPECT_NE(Wrong("v=STSv1; id = 1"), "");
}

TEST(CheckMtaSts, WhatDoesNotBeginSoToTheLetterIsNone) {
  EXPECT_TRUE(absl::IsNotFound(CheckMtaSts({})));
  for (const char* text :
       {"v=STSv1", "v=stsv1; id=1", " v=STSv1; id=1", "v = STSv1; id=1",
        "v=STSv1 ; id=1", "v=STSv10; id=1", "id=1; v=STSv1;"}) {
    EXPECT_TRUE(absl::IsNotFound(CheckMtaSts({text}))) << text;
  }
}

TEST(CheckMtaSts, ThereIsOne) {
  EXPECT_TRUE(CheckMtaSts({"other", "v=STSv1; id=1"}).ok());
  EXPECT_TRUE(absl::IsDataLoss(CheckMtaSts({"v=STSv1; id=1", "v=STSv1;"})));
}

}  // namespace
}  // namespace mailcow
