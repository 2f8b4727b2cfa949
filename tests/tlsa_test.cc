#include "collectors/tlsa.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

constexpr size_t kSha256Size = 32;
constexpr size_t kSha512Size = 64;

// What is wrong with such a record; empty where nothing is.
std::string Wrong(uint8_t usage, uint8_t selector, uint8_t matching,
                  absl::string_view data) {
  const absl::Status status = CheckTlsa({.text = std::string(data),
                                         .usage = usage,
                                         .selector = selector,
                                         .matching = matching});
  EXPECT_TRUE(status.ok() || absl::IsDataLoss(status));
  return std::string(status.message());
}

TEST(CheckTlsa, SmtpTakesUsages2And3) {
  const std::string hash(kSha256Size, 'h');
  EXPECT_EQ(Wrong(2, 1, 1, hash), "");
  EXPECT_EQ(Wrong(3, 1, 1, hash), "");
  EXPECT_EQ(Wrong(1, 1, 1, hash),
            "TLSA 1 1 1 has a usage that SMTP does not take: 2 or 3");
  EXPECT_NE(Wrong(0, 1, 1, hash), "");
  EXPECT_NE(Wrong(4, 1, 1, hash), "");
  EXPECT_NE(Wrong(255, 1, 1, hash), "");
}

TEST(CheckTlsa, SelectorIsCertificateOrKey) {
  const std::string hash(kSha256Size, 'h');
  EXPECT_EQ(Wrong(3, 0, 1, hash), "");
  EXPECT_EQ(Wrong(3, 2, 1, hash), "TLSA 3 2 1 has an unknown selector: 0 or 1");
}

TEST(CheckTlsa, MatchingTypeIsFullOrAHash) {
  EXPECT_EQ(Wrong(3, 1, 3, std::string(kSha256Size, 'h')),
            "TLSA 3 1 3 has an unknown matching type: 0, 1 or 2");
}

TEST(CheckTlsa, HashHasItsSize) {
  EXPECT_EQ(Wrong(3, 1, 1, std::string(kSha256Size - 1, 'h')),
            "TLSA 3 1 1 has 31 bytes of data, its hash has 32");
  EXPECT_NE(Wrong(3, 1, 1, std::string(kSha256Size + 1, 'h')), "");
  EXPECT_NE(Wrong(3, 1, 1, ""), "");
  EXPECT_EQ(Wrong(3, 1, 2, std::string(kSha512Size, 'h')), "");
  EXPECT_EQ(Wrong(3, 1, 2, std::string(kSha256Size, 'h')),
            "TLSA 3 1 2 has 32 bytes of data, its hash has 64");
}

TEST(CheckTlsa, FullDataIsOneSequenceInDer) {
  EXPECT_EQ(Wrong(3, 1, 0, absl::HexStringToBytes("3002aabb")), "");
  EXPECT_EQ(Wrong(2, 0, 0, absl::HexStringToBytes("3002aabb")), "");
  for (const char* hex : {"", "3000", "3003aabb", "3002aabbcc", "0402aabb"}) {
    EXPECT_EQ(Wrong(3, 1, 0, absl::HexStringToBytes(hex)),
              "TLSA 3 1 0 holds no public key in DER")
        << hex;
    EXPECT_EQ(Wrong(3, 0, 0, absl::HexStringToBytes(hex)),
              "TLSA 3 0 0 holds no certificate in DER")
        << hex;
  }
}

}  // namespace
}  // namespace mailcow
