#include "collectors/mailcow_conf.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The value of KEY in a file that must parse.
std::string ValueIn(absl::string_view text) {
  return *MailcowConf::Parse(text)->Get("KEY", "missing");
}

TEST(ParseMailcowConf, ValueIsWhatFollowsTheEqualsSign) {
  EXPECT_EQ(ValueIn("KEY=25\n"), "25");
  EXPECT_EQ(ValueIn("KEY=a=b"), "a=b");
}

TEST(ParseMailcowConf, AbsentOrEmptyTakesTheDefault) {
  EXPECT_EQ(ValueIn("OTHER=1\n"), "missing");
  EXPECT_EQ(ValueIn("KEY=\n"), "missing");
  EXPECT_EQ(ValueIn("KEY=\"\"\n"), "missing");
  EXPECT_EQ(ValueIn(""), "missing");
}

TEST(ParseMailcowConf, HashBeginsACommentOnlyAfterASpace) {
  EXPECT_EQ(ValueIn("KEY=a#b"), "a#b");
  EXPECT_EQ(ValueIn("KEY=a # b"), "a");
  EXPECT_EQ(ValueIn("KEY=a\t# b"), "a");
  EXPECT_EQ(ValueIn("KEY= # b"), "missing");
  EXPECT_EQ(ValueIn("KEY=#b"), "#b");
  EXPECT_EQ(ValueIn("#KEY=1"), "missing");
  EXPECT_EQ(ValueIn("  # KEY=1"), "missing");
}

TEST(ParseMailcowConf, QuotesAreStripped) {
  EXPECT_EQ(ValueIn("KEY='a # \"b\"'"), "a # \"b\"");
  EXPECT_EQ(ValueIn("KEY=\"143\" # quoted"), "143");
}

TEST(ParseMailcowConf, CarriageReturnsAreNoPartOfAValue) {
  EXPECT_EQ(ValueIn("KEY=25\r\nOTHER=1\r\n"), "25");
  EXPECT_EQ(ValueIn("KEY=\"25\"\r\n"), "25");
}

TEST(ParseMailcowConf, LastDuplicateWinsAndTheyAreCounted) {
  const auto conf = MailcowConf::Parse("KEY=1\nKEY=2\nKEY=3\n");
  EXPECT_EQ(*conf->Get("KEY", ""), "3");
  EXPECT_EQ(conf->Times("KEY"), 3);
  EXPECT_EQ(conf->Times("OTHER"), 0);
}

TEST(ParseMailcowConf, ExportIsNoPartOfTheKey) {
  EXPECT_EQ(ValueIn("export KEY=1"), "1");
}

TEST(ParseMailcowConf, LineWithoutAssignmentIsRefusedByNumberNotByText) {
  const auto conf = MailcowConf::Parse("KEY=1\nhunter2 is the password\n");
  EXPECT_TRUE(absl::IsDataLoss(conf.status()));
  EXPECT_THAT(conf.status().message(), HasSubstr("line 2"));
  EXPECT_THAT(conf.status().message(), Not(HasSubstr("hunter2")));
}

TEST(ParseMailcowConf, SpaceBeforeTheEqualsSignIsRefused) {
  EXPECT_TRUE(absl::IsDataLoss(MailcowConf::Parse("KEY =1").status()));
}

TEST(ParseMailcowConf, NulByteIsRefused) {
  const auto conf =
      MailcowConf::Parse(absl::string_view("KEY=1\nPAIR=a\0b\n", 15));
  EXPECT_TRUE(absl::IsDataLoss(conf.status()));
  EXPECT_THAT(conf.status().message(), HasSubstr("line 2"));
}

TEST(ParseMailcowConf, UnmatchedQuoteSpoilsItsOwnKeyOnly) {
  const auto conf = MailcowConf::Parse("PASS='hunter2\nKEY=1\n");
  EXPECT_EQ(*conf->Get("KEY", ""), "1");
  EXPECT_TRUE(absl::IsDataLoss(conf->Get("PASS", "").status()));
  EXPECT_THAT(conf->Get("PASS", "").status().message(),
              Not(HasSubstr("hunter2")));
}

TEST(ParseMailcowConf, TextBehindTheClosingQuoteSpoilsTheKey) {
  const auto conf = MailcowConf::Parse("KEY='1'2\n");
  EXPECT_TRUE(absl::IsDataLoss(conf->Get("KEY", "").status()));
}

TEST(IsYes, TakesYAndYesInAnyCase) {
  for (const char* text : {"KEY=y", "KEY=Y", "KEY=yes", "KEY=YES"}) {
    EXPECT_TRUE(*MailcowConf::Parse(text)->IsYes("KEY")) << text;
  }
  for (const char* text : {"KEY=n", "KEY=true", "KEY=1", "KEY=", "OTHER=y"}) {
    EXPECT_FALSE(*MailcowConf::Parse(text)->IsYes("KEY")) << text;
  }
}

TEST(ReadMailcowConf, NoFileMeansThatEveryKeyIsMissing) {
  const FakeRoot root;
  const auto conf = ReadMailcowConf(root.files(), "/opt/mailcow-dockerized");
  EXPECT_EQ(*conf->Get("SMTP_PORT", "25"), "25");
  EXPECT_FALSE(conf->is_present());
}

TEST(ReadMailcowConf, EmptyFileIsPresentAllTheSame) {
  const FakeRoot root;
  root.Write("/m/mailcow.conf", "");
  EXPECT_TRUE(ReadMailcowConf(root.files(), "/m")->is_present());
}

TEST(ReadMailcowConf, DirectoryInItsPlaceIsAnError) {
  const FakeRoot root;
  root.MakeDirectory("/opt/mailcow-dockerized/mailcow.conf");
  const auto conf = ReadMailcowConf(root.files(), "/opt/mailcow-dockerized");
  EXPECT_TRUE(absl::IsDataLoss(conf.status()));
  EXPECT_THAT(conf.status().message(),
              HasSubstr("/opt/mailcow-dockerized/mailcow.conf"));
}

TEST(ReadMailcowConf, TenMegabytesOfNoiseAreAnError) {
  const FakeRoot root;
  root.Write("/m/mailcow.conf", std::string(10 << 20, 'x'));
  EXPECT_TRUE(absl::IsDataLoss(ReadMailcowConf(root.files(), "/m").status()));
}

}  // namespace
}  // namespace mailcow
