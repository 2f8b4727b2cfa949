#include "collectors/os_release.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

TEST(ParseOsRelease, TakesIdVersionAndName) {
  const auto os = ParseOsRelease(
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
      "# a comment\n"
      "\n"
      "VERSION_ID=\"12\"\n"
      "ID=debian\n");
  EXPECT_EQ(os->id, "debian");
  EXPECT_EQ(os->version, "12");
  EXPECT_EQ(os->name, "Debian GNU/Linux 12 (bookworm)");
}

TEST(ParseOsRelease, RollingDistributionHasNoVersion) {
  EXPECT_EQ(ParseOsRelease("ID='arch'\n")->version, "");
}

TEST(ParseOsRelease, RefusesTextWithoutIdAndLinesThatAssignNothing) {
  EXPECT_TRUE(absl::IsDataLoss(ParseOsRelease("NAME=x\n").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseOsRelease("").status()));
  const auto os = ParseOsRelease("ID=debian\nnoise\n");
  EXPECT_TRUE(absl::IsDataLoss(os.status()));
  EXPECT_THAT(os.status().message(), HasSubstr("line 2"));
}

TEST(ParseVersion, TakesTheFirstTwoNumbers) {
  EXPECT_EQ(*ParseVersion("6.1.0-18-amd64"), (Version{6, 1}));
  EXPECT_EQ(*ParseVersion("12"), (Version{12, 0}));
  EXPECT_EQ(*ParseVersion("22.04"), (Version{22, 4}));
  EXPECT_EQ(*ParseVersion("4.9-rc1"), (Version{4, 9}));
}

TEST(ParseVersion, RefusesWhatDoesNotBeginWithOne) {
  for (const absl::string_view text :
       {"", "sid", "v6", "6.", "6.x", "99999999999", "-1"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseVersion(text).status())) << text;
  }
}

TEST(Version, ComparesNumbersNotText) {
  EXPECT_LT(*ParseVersion("3.9"), *ParseVersion("3.19"));
  EXPECT_LT(*ParseVersion("4.9"), *ParseVersion("4.10"));
}

TEST(ReadOsRelease, PrefersTheFileInEtc) {
  const FakeRoot root;
  EXPECT_TRUE(absl::IsNotFound(ReadOsRelease(root.files()).status()));
  root.Write("/usr/lib/os-release", "ID=vendor\n");
  EXPECT_EQ(ReadOsRelease(root.files())->id, "vendor");
  root.Write("/etc/os-release", "ID=local\n");
  EXPECT_EQ(ReadOsRelease(root.files())->id, "local");
}

}  // namespace
}  // namespace mailcow
