#include "exporter/listen_address.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::HasSubstr;

TEST(CheckListenAddress, AcceptsAddressesOfBothFamiliesAndNone) {
  for (const char* address :
       {"127.0.0.1:9025", "[::1]:9025", "[2001:db8::1]:9025", ":9025", ":0",
        "0.0.0.0:1", "[::]:65535", "[::ffff:127.0.0.1]:9025"}) {
    EXPECT_TRUE(CheckListenAddress(address).ok()) << address;
  }
}

TEST(CheckListenAddress, RefusesWhatHasNoPort) {
  for (const char* address : {"", "9025", "127.0.0.1", "127.0.0.1:", "[::1]",
                              "127.0.0.1:smtp", "127.0.0.1:-1", ":+1", ": 1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckListenAddress(address)))
        << address;
  }
}

TEST(CheckListenAddress, RefusesAPortBeyondTheLast) {
  EXPECT_TRUE(CheckListenAddress("127.0.0.1:65535").ok());
  for (const char* address :
       {"127.0.0.1:65536", ":4294967297", ":18446744073709551617"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckListenAddress(address)))
        << address;
  }
}

TEST(CheckListenAddress, RefusesIpv6WithoutBracketsAndIpv4Within) {
  EXPECT_TRUE(absl::IsInvalidArgument(CheckListenAddress("::1:9025")));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckListenAddress("[127.0.0.1]:9025")));
}

// Names, and what CivetWeb takes for more than an address.
TEST(CheckListenAddress, RefusesWhatIsNoAddress) {
  for (const char* address :
       {"localhost:9025", "127.0.0.1:9025s", "127.0.0.1:1,:2", "+9025",
        "127.0.0.1 :1", "[::1:9025", "[]:9025", "300.0.0.1:1",
        "[fe80::1%eth0]:9025", "127.0.0.1,:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckListenAddress(address)))
        << address;
  }
}

TEST(CheckListenAddress, RefusesNul) {
  const std::string address("127.0.0.1\0:9025", 15);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckListenAddress(address)));
}

TEST(CheckListenAddress, RepeatsWhatItRefuses) {
  EXPECT_THAT(CheckListenAddress("localhost:9025").message(),
              HasSubstr("\"localhost:9025\""));
  EXPECT_THAT(CheckListenAddress("127.0.0.1").message(),
              HasSubstr("\"127.0.0.1\""));
}

// RFC 1122: all of 127.0.0.0/8.
TEST(IsLoopback, IsTrueForWhatOnlyThisMachineReaches) {
  for (const char* address :
       {"127.0.0.1:9025", "127.9.9.9:9025", "127.255.255.255:1", "[::1]:9025",
        "[0:0:0:0:0:0:0:1]:9025", "[::ffff:127.0.0.1]:9025",
        "[::ffff:127.9.9.9]:9025"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
}

TEST(IsLoopback, IsFalseForWhatOthersMayReach) {
  for (const char* address :
       {":9025", "0.0.0.0:9025", "[::]:9025", "192.0.2.1:9025",
        "126.255.255.255:9025", "128.0.0.0:9025", "1.0.0.127:9025",
        "[2001:db8::1]:9025", "[::2]:9025", "[fe80::1]:9025", "[7f00::1]:9025",
        "[::ffff:192.0.2.1]:9025", "[::127.0.0.1]:9025"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace mailcow
