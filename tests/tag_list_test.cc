#include "collectors/tag_list.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What is wrong with a list of tags; empty where nothing is.
std::string Wrong(absl::string_view text) {
  const auto tags = ParseTagList(text);
  EXPECT_TRUE(tags.ok() || absl::IsDataLoss(tags.status())) << text;
  return std::string(tags.status().message());
}

std::string WrongField(absl::string_view text) {
  const auto fields = ParseFieldList(text);
  EXPECT_TRUE(fields.ok() || absl::IsDataLoss(fields.status())) << text;
  return std::string(fields.status().message());
}

TEST(ParseTagList, KeepsTheOrder) {
  EXPECT_THAT(*ParseTagList("v=DKIM1; k=rsa; p=abc"),
              ElementsAre(Tag{"v", "DKIM1"}, Tag{"k", "rsa"}, Tag{"p", "abc"}));
}

TEST(ParseTagList, SpaceAroundNamesAndValuesDoesNotCount) {
  EXPECT_THAT(*ParseTagList(" v =\tDKIM1 ;p= a b ; "),
              ElementsAre(Tag{"v", "DKIM1"}, Tag{"p", "a b"}));
}

TEST(ParseTagList, LineMayBeFoldedWhereThereIsSpace) {
  EXPECT_THAT(*ParseTagList("v=DKIM1;\r\n p=a\r\n\tb"),
              ElementsAre(Tag{"v", "DKIM1"}, Tag{"p", "a\tb"}));
  EXPECT_THAT(Wrong("p=a\r\nb"), HasSubstr("not printable"));
}

TEST(ParseTagList, LastSemicolonMayBeThereOrNot) {
  EXPECT_EQ(*ParseTagList("v=1;"), *ParseTagList("v=1"));
}

TEST(ParseTagList, ValueMayBeEmptyOrHoldEqualsSigns) {
  EXPECT_THAT(*ParseTagList("p=; q=YQ=="),
              ElementsAre(Tag{"p", ""}, Tag{"q", "YQ=="}));
}

TEST(ParseTagList, NameThatStandsTwiceIsAnError) {
  EXPECT_EQ(Wrong("p=a; k=rsa; p=a"), "\"p\" stands twice");
}

TEST(ParseTagList, CaseOfNamesCounts) {
  EXPECT_THAT(*ParseTagList("p=a; P=b"),
              ElementsAre(Tag{"p", "a"}, Tag{"P", "b"}));
}

TEST(ParseTagList, EveryTagHasAName) {
  EXPECT_EQ(Wrong("=a"), "\"\" is not the name of a tag");
  EXPECT_EQ(Wrong("1a=b"), "\"1a\" is not the name of a tag");
  EXPECT_EQ(Wrong("a b=c"), "\"a b\" is not the name of a tag");
  EXPECT_EQ(Wrong("a-b=c"), "\"a-b\" is not the name of a tag");
  EXPECT_EQ(Wrong("a1_=c"), "");
}

TEST(ParseTagList, EveryTagHasAnEqualsSign) {
  EXPECT_EQ(Wrong("v=1; key"), "\"key\" lacks a =");
}

TEST(ParseTagList, NothingBetweenSemicolonsIsAnError) {
  EXPECT_EQ(Wrong("v=1;; p=a"), "\"v=1;; p=a\" lacks a tag before a ;");
  EXPECT_NE(Wrong(";v=1"), "");
  EXPECT_NE(Wrong("v=1; ;"), "");
  EXPECT_NE(Wrong(""), "");
  EXPECT_NE(Wrong(" ; "), "");
}

TEST(ParseTagList, ValueIsPrintableAscii) {
  EXPECT_NE(Wrong("a=\x01"), "");
  EXPECT_NE(Wrong("a=\x7f"), "");
  EXPECT_NE(Wrong("a=\xc3\xbc"), "");
  EXPECT_NE(Wrong(absl::string_view("a=b\0c", 5)), "");
}

TEST(ParseTagList, QuotesLittleOfWhatIsWrong) {
  EXPECT_EQ(Wrong(std::string(5000, 'a')),
            absl::StrCat("\"", std::string(60, 'a'), "...\" lacks a ="));
  EXPECT_EQ(Wrong("\x01\xff"), "\"\\x01\\xff\" lacks a =");
}

TEST(ParseFieldList, NamesMayHaveDotsAndHyphens) {
  EXPECT_THAT(
      *ParseFieldList("v=STSv1; x-1.y_z=1;id=2 ;"),
      ElementsAre(Tag{"v", "STSv1"}, Tag{"x-1.y_z", "1"}, Tag{"id", "2"}));
}

TEST(ParseFieldList, NamesHaveUpTo32Characters) {
  EXPECT_EQ(WrongField(absl::StrCat(std::string(32, 'a'), "=1")), "");
  EXPECT_NE(WrongField(absl::StrCat(std::string(33, 'a'), "=1")), "");
  EXPECT_NE(WrongField("-a=1"), "");
  EXPECT_NE(WrongField("=1"), "");
}

TEST(ParseFieldList, NoSpaceMayStandAroundAnEqualsSign) {
  EXPECT_EQ(WrongField("id =1"), "\"id \" is not the name of a tag");
  EXPECT_EQ(WrongField("id= 1"), "\"id= 1\" has space behind the =");
}

TEST(ParseFieldList, NameThatStandsTwiceIsAnError) {
  EXPECT_EQ(WrongField("id=1;id=1"), "\"id\" stands twice");
}

TEST(FindTag, TellsAnEmptyValueFromNone) {
  const auto tags = ParseTagList("p=; k=rsa");
  EXPECT_EQ(FindTag(*tags, "p"), "");
  EXPECT_EQ(FindTag(*tags, "k"), "rsa");
  EXPECT_EQ(FindTag(*tags, "v"), std::nullopt);
}

// The record that begins with "v=X".
absl::StatusOr<absl::string_view> OnlyX(const std::vector<std::string>& texts) {
  return OnlyRecord(texts, "v=X", [](absl::string_view text) {
    return text.substr(0, 3) == "v=X";
  });
}

TEST(OnlyRecord, OthersMayStandBesideIt) {
  const std::vector<std::string> texts = {"verify=1", "v=X; a=1", ""};
  EXPECT_EQ(*OnlyX(texts), "v=X; a=1");
}

TEST(OnlyRecord, NoneIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(OnlyX({}).status()));
  const auto status = OnlyX({"verify=1", "v=Y"}).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no TXT record begins with v=X: \"verify=1\"");
}

TEST(OnlyRecord, SeveralAreAnErrorEvenIfTheyAreTheSame) {
  const auto status = OnlyX({"v=X", "v=X"}).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(),
            "2 TXT records begin with v=X where there may be one");
}

TEST(IsMailto, WantsAnAddress) {
  EXPECT_TRUE(IsMailto("mailto:a@example.org"));
  EXPECT_TRUE(IsMailto("MAILTO:a@example.org?subject=b"));
  for (const char* uri :
       {"a@example.org", "mailto:", "mailto:a", "mailto:@example.org",
        "mailto:a@", "mailto:a@b..c", "mailto:a b@example.org", "mailto:a@b c",
        "mailto:?to=a@example.org", "https://a@example.org"}) {
    EXPECT_FALSE(IsMailto(uri)) << uri;
  }
}

}  // namespace
}  // namespace mailcow
