#include "exporter/basic_auth.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

std::string Encode(absl::string_view text) {
  return absl::StrCat("Basic ", absl::Base64Escape(text));
}

TEST(ParseBasicAuth, TellsUserAndPassword) {
  const auto found = ParseBasicAuth("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->user, "Aladdin");
  EXPECT_EQ(found->password, "open sesame");
}

TEST(ParseBasicAuth, SchemeIsReadInAnyCase) {
  EXPECT_TRUE(ParseBasicAuth("bAsIc dTpw").has_value());
}

TEST(ParseBasicAuth, AnotherSchemeIsNothing) {
  EXPECT_FALSE(ParseBasicAuth("Bearer dTpw").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic:dTpw").has_value());
  EXPECT_FALSE(ParseBasicAuth("BasicdTpw").has_value());
  EXPECT_FALSE(ParseBasicAuth(" Basic dTpw").has_value());
}

TEST(ParseBasicAuth, NothingSaidIsNothing) {
  EXPECT_FALSE(ParseBasicAuth("").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic ").has_value());
}

TEST(ParseBasicAuth, FirstColonEndsTheUser) {
  const auto found = ParseBasicAuth(Encode("u:p:q"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->user, "u");
  EXPECT_EQ(found->password, "p:q");
}

TEST(ParseBasicAuth, NoColonIsNothing) {
  EXPECT_FALSE(ParseBasicAuth(Encode("user")).has_value());
}

TEST(ParseBasicAuth, UserAndPasswordMayBeEmpty) {
  const auto found = ParseBasicAuth(Encode(":"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->user, "");
  EXPECT_EQ(found->password, "");
}

TEST(ParseBasicAuth, AnyByteMayBeInIt) {
  const std::string bytes("\0\xff\n", 3);
  const auto found = ParseBasicAuth(Encode("u:" + bytes));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->password, bytes);
}

TEST(ParseBasicAuth, WholeAlphabetIsRead) {
  // Three bytes that are written so follow "u:p".
  EXPECT_TRUE(ParseBasicAuth("Basic dTpw+/+/").has_value());
}

TEST(ParseBasicAuth, PaddingMustBeThere) {
  EXPECT_TRUE(ParseBasicAuth("Basic dTo=").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTo").has_value());
  EXPECT_TRUE(ParseBasicAuth("Basic dTpwcA==").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpwcA=").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpwcA").has_value());
}

TEST(ParseBasicAuth, PaddingStandsAtTheEndOnly) {
  EXPECT_FALSE(ParseBasicAuth("Basic dTo=dTpw").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpwd===").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpw====").has_value());
}

TEST(ParseBasicAuth, ForeignCharactersAreNotPassedOver) {
  EXPECT_FALSE(ParseBasicAuth("Basic  dTpw").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dT pwcA=").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpw    ").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpwcA..").has_value());
  EXPECT_FALSE(ParseBasicAuth("Basic dTpw-_-_").has_value());
}

}  // namespace
}  // namespace mailcow
