#include "collectors/ip_address.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {

using Family = IpAddress::Family;

TEST(ParseIpAddress, ReadsBothFamilies) {
  EXPECT_EQ(ParseIpAddress("192.0.2.1")->family, Family::kIpv4);
  EXPECT_EQ(ParseIpAddress("2001:db8::1")->family, Family::kIpv6);
  EXPECT_EQ(*ParseIpAddress("[2001:db8::1]"), *ParseIpAddress("2001:db8::1"));
}

TEST(ParseIpAddress, MappedAddressIsTheIpv4Address) {
  EXPECT_EQ(*ParseIpAddress("::ffff:192.0.2.1"), *ParseIpAddress("192.0.2.1"));
}

TEST(ParseIpAddress, WildcardsAreOfTheirFamily) {
  EXPECT_TRUE(ParseIpAddress("0.0.0.0")->IsWildcard());
  EXPECT_TRUE(ParseIpAddress("::")->IsWildcard());
  EXPECT_FALSE(ParseIpAddress("::1")->IsWildcard());
  EXPECT_NE(*ParseIpAddress("0.0.0.0"), *ParseIpAddress("::"));
}

TEST(ParseIpAddress, RefusesWhatIsNone) {
  for (const absl::string_view text :
       {"", "localhost", "192.0.2", "192.0.2.256", "[::1", "::1]", "1:2",
        "192.0.2.1 "}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseIpAddress(text).status())) << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(
      ParseIpAddress(absl::string_view("::1\0x", 5)).status()));
}

TEST(ToString, PutsIpv6WithAPortInBrackets) {
  EXPECT_EQ(ToString(*ParseIpAddress("192.0.2.1")), "192.0.2.1");
  EXPECT_EQ(ToString(*ParseIpAddress("192.0.2.1"), 25), "192.0.2.1:25");
  EXPECT_EQ(ToString(*ParseIpAddress("2001:DB8:0::1")), "2001:db8::1");
  EXPECT_EQ(ToString(*ParseIpAddress("::"), 25), "[::]:25");
}

}  // namespace
}  // namespace mailcow
