#include "collectors/dkim_key.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using Algorithm = DkimKey::Algorithm;

// What openssl writes: a SubjectPublicKeyInfo, and the RSAPublicKey in it.
constexpr char kRsa1024[] =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDi1/N3VNsA1/buZF2OOODoziPncdo2Xc7dp"
    "jKco28vEKZC0fD7R1g5Y8hElJhNGDKHvaQKT3CPNRUQ1pxVZCFD2Pj4r5ndkAIldfEuLtQgxW"
    "91mIOAnCFZMdSVSkYzaZbp8NMPUI5nD3fdygesw/uOurrZzQry0IzfMM0EK/ZTDwIDAQAB";
constexpr char kBareRsa1024[] =
    "MIGJAoGBAOLX83dU2wDX9u5kXY444OjOI+dx2jZdzt2mMpyjby8QpkLR8PtHWDljyESUmE0YM"
    "oe9pApPcI81FRDWnFVkIUPY+Pivmd2QAiV18S4u1CDFb3WYg4CcIVkx1JVKRjNplunw0w9Qjm"
    "cPd93KB6zD+466utnNCvLQjN8wzQQr9lMPAgMBAAE=";
constexpr char kEd25519[] = "CVjpa5youyUIR91AVELDX4+at4c6jelWnB7pGidhC60=";
constexpr char kEd25519Info[] =
    "MCowBQYDK2VwAyEA9SjYeKMyHXG38+aDctg7ESsbgnW3qoqD4y5AniQoNjM=";
constexpr char kEllipticCurve[] =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzh98n4yMVLYCV+hei3s5I4pfyFrjJ6xnNn27x"
    "LZbJrQfHwj6sOBuY8QLBX5sIZ9RFvbURQyj4lmzawc72RvUvw==";

std::string Der(char tag, absl::string_view contents) {
  const size_t size = contents.size();
  std::string der(1, tag);
  if (size >= 256) {
    der += {'\x82', static_cast<char>(size / 256)};
  } else if (size >= 128) {
    der += '\x81';
  }
  der += static_cast<char>(size % 256);
  return absl::StrCat(der, contents);
}

// An odd number of so many bits, as DER has it.
std::string OddNumber(int bits) {
  const auto bytes = static_cast<size_t>((bits + 7) / 8);
  std::string number(bytes, '\x5a');
  const int top = (bits - 1) % 8;
  number.front() = static_cast<char>(1 << top);
  number.back() = static_cast<char>(number.back() | 1);
  if (top == 7) number.insert(0, 1, '\0');
  return number;
}

std::string Info(absl::string_view key) {
  return Der(
      '\x30',
      absl::StrCat(absl::HexStringToBytes("300d06092a864886f70d0101010500"),
                   Der('\x03', absl::StrCat(std::string(1, '\0'), key))));
}

std::string Rsa(absl::string_view modulus,
                absl::string_view exponent = "\x01\x01") {
  return Der('\x30', absl::StrCat(Der('\x02', modulus), Der('\x02', exponent)));
}

std::string RecordOf(absl::string_view der) {
  return absl::StrCat("v=DKIM1; p=", absl::Base64Escape(der));
}

std::string Wrong(absl::string_view text) {
  const auto key = ParseDkimKey(text);
  EXPECT_TRUE(key.ok() || absl::IsDataLoss(key.status())) << text;
  return std::string(key.status().message());
}

TEST(ParseDkimKey, ReadsAnRsaKey) {
  EXPECT_EQ(*ParseDkimKey(absl::StrCat("v=DKIM1; k=rsa; p=", kRsa1024)),
            (DkimKey{.algorithm = Algorithm::kRsa, .bits = 1024}));
}

TEST(ParseDkimKey, ReadsAnEd25519Key) {
  EXPECT_EQ(*ParseDkimKey(absl::StrCat("v=DKIM1; k=ed25519; p=", kEd25519)),
            (DkimKey{.algorithm = Algorithm::kEd25519, .bits = 256}));
}

TEST(ParseDkimKey, OnlyTheKeyMustBeThere) {
  EXPECT_EQ(ParseDkimKey(absl::StrCat("p=", kRsa1024))->bits, 1024);
  EXPECT_THAT(Wrong("v=DKIM1; k=rsa"), HasSubstr("lacks p="));
}

TEST(ParseDkimKey, RsaKeyMayStandWithoutItsAlgorithm) {
  EXPECT_EQ(ParseDkimKey(absl::StrCat("p=", kBareRsa1024))->bits, 1024);
}

TEST(ParseDkimKey, KeyMayBeFolded) {
  std::string folded(kRsa1024);
  folded.insert(60, " \t");
  folded.insert(30, "\r\n ");
  EXPECT_EQ(ParseDkimKey(absl::StrCat("p= ", folded, " ;"))->bits, 1024);
}

TEST(ParseDkimKey, VersionIsTheFirstTagIfAny) {
  EXPECT_EQ(Wrong(absl::StrCat("k=rsa; v=DKIM1; p=", kRsa1024)),
            "v=\"DKIM1\" is not the first tag");
  EXPECT_EQ(Wrong(absl::StrCat("v=DKIM2; p=", kRsa1024)),
            "v=\"DKIM2\" is not DKIM1");
  EXPECT_EQ(Wrong(absl::StrCat("v=dkim1; p=", kRsa1024)),
            "v=\"dkim1\" is not DKIM1");
}

TEST(ParseDkimKey, OtherAlgorithmsAreUnknown) {
  EXPECT_EQ(Wrong(absl::StrCat("k=dsa; p=", kRsa1024)),
            "k=\"dsa\" is neither rsa nor ed25519");
}

TEST(ParseDkimKey, EmptyKeyIsRevoked) {
  EXPECT_EQ(Wrong("v=DKIM1; p="), "p= is empty: the key is revoked");
}

TEST(ParseDkimKey, HashesMustIncludeSha256WhereTheyAreNamed) {
  EXPECT_EQ(Wrong(absl::StrCat("h=sha256; p=", kRsa1024)), "");
  EXPECT_EQ(Wrong(absl::StrCat("h=sha1 : sha256; p=", kRsa1024)), "");
  EXPECT_EQ(Wrong(absl::StrCat("h=sha1; p=", kRsa1024)),
            "h=\"sha1\" lacks sha256");
  EXPECT_NE(Wrong(absl::StrCat("h=; p=", kRsa1024)), "");
}

TEST(ParseDkimKey, ServicesMustIncludeMailWhereTheyAreNamed) {
  EXPECT_EQ(Wrong(absl::StrCat("s=*; p=", kRsa1024)), "");
  EXPECT_EQ(Wrong(absl::StrCat("s=chat:email; p=", kRsa1024)), "");
  EXPECT_EQ(Wrong(absl::StrCat("s=chat; p=", kRsa1024)),
            "s=\"chat\" lacks * and email");
}

TEST(ParseDkimKey, FlagSaysThatItIsForTesting) {
  EXPECT_FALSE(ParseDkimKey(absl::StrCat("p=", kRsa1024))->is_testing);
  EXPECT_FALSE(ParseDkimKey(absl::StrCat("t=s; p=", kRsa1024))->is_testing);
  EXPECT_TRUE(ParseDkimKey(absl::StrCat("t=s:y; p=", kRsa1024))->is_testing);
}

TEST(ParseDkimKey, UnknownTagsAreSkipped) {
  EXPECT_EQ(Wrong(absl::StrCat("g=*; n=a note; x=1; p=", kRsa1024)), "");
}

TEST(ParseDkimKey, RsaHasAtLeast1024Bits) {
  EXPECT_EQ(Wrong(RecordOf(Info(Rsa(OddNumber(1023))))),
            "the RSA key has 1023 bits, receivers want at least 1024");
  EXPECT_EQ(ParseDkimKey(RecordOf(Info(Rsa(OddNumber(1024)))))->bits, 1024);
  EXPECT_EQ(ParseDkimKey(RecordOf(Info(Rsa(OddNumber(1025)))))->bits, 1025);
}

TEST(ParseDkimKey, RsaBelow2048BitsIsWeak) {
  EXPECT_TRUE(ParseDkimKey(RecordOf(Info(Rsa(OddNumber(2047)))))->IsWeak());
  EXPECT_FALSE(ParseDkimKey(RecordOf(Info(Rsa(OddNumber(2048)))))->IsWeak());
  EXPECT_FALSE(ParseDkimKey(absl::StrCat("k=ed25519; p=", kEd25519))->IsWeak());
}

TEST(ParseDkimKey, RsaExponentIsOddAndAboveOne) {
  const std::string modulus = OddNumber(1024);
  EXPECT_EQ(Wrong(RecordOf(Info(Rsa(modulus, "\x03")))), "");
  for (const absl::string_view exponent :
       {absl::string_view("\x01"), absl::string_view("\x02"),
        absl::string_view("\0", 1), absl::string_view("\x83"),
        absl::string_view("\0\x03", 2), absl::string_view("")}) {
    EXPECT_EQ(Wrong(RecordOf(Info(Rsa(modulus, exponent)))),
              "p= is not the DER of a public RSA key")
        << absl::CHexEscape(exponent);
  }
}

TEST(ParseDkimKey, RsaModulusIsOddAndPositive) {
  std::string modulus = OddNumber(1024);
  modulus.back() = '\x02';
  EXPECT_NE(Wrong(RecordOf(Info(Rsa(modulus)))), "");
  EXPECT_NE(Wrong(RecordOf(Info(Rsa(OddNumber(1024).substr(1))))), "");
}

TEST(ParseDkimKey, NothingMayFollowAnyPartOfTheKey) {
  const std::string key = Rsa(OddNumber(1024));
  EXPECT_EQ(Wrong(RecordOf(key)), "");
  EXPECT_NE(Wrong(RecordOf(absl::StrCat(key, "x"))), "");
  EXPECT_NE(Wrong(RecordOf(absl::StrCat(Info(key), "x"))), "");
  EXPECT_NE(Wrong(RecordOf(Info(absl::StrCat(key, "x")))), "");
  const std::string three =
      Der('\x30', absl::StrCat(Der('\x02', OddNumber(1024)),
                               Der('\x02', "\x03"), Der('\x02', "\x03")));
  EXPECT_NE(Wrong(RecordOf(three)), "");
  EXPECT_NE(Wrong(RecordOf(Info(three))), "");
}

TEST(ParseDkimKey, NoPartOfTheKeyMayBeMissing) {
  const std::string key = Info(Rsa(OddNumber(1024)));
  for (size_t size = 1; size < key.size(); ++size) {
    EXPECT_NE(Wrong(RecordOf(key.substr(0, size))), "") << size;
  }
}

TEST(ParseDkimKey, KeyOfAnotherAlgorithmIsNoRsaKey) {
  EXPECT_NE(Wrong(absl::StrCat("p=", kEllipticCurve)), "");
  EXPECT_NE(Wrong(absl::StrCat("p=", kEd25519)), "");
}

TEST(ParseDkimKey, Ed25519KeyIs32BytesWithoutItsAlgorithm) {
  EXPECT_EQ(Wrong(absl::StrCat("k=ed25519; p=", kEd25519Info)),
            "p= holds 44 bytes, an Ed25519 key has 32");
}

TEST(ParseDkimKey, KeyIsBase64) {
  const std::string key(kEd25519);
  EXPECT_EQ(Wrong("k=ed25519; p=a"), "p= is not base64: \"a\"");
  for (const std::string& text :
       {key.substr(0, key.size() - 1), absl::StrCat(key, "===="),
        std::string("CVjpa5youyUIR91AVELDX4-at4c6jelWnB7pGidhC60="),
        std::string("CVjpa5youyUIR91AVELDX4+at4c6jelWnB7pGidhC60."),
        std::string("=")}) {
    EXPECT_THAT(Wrong(absl::StrCat("k=ed25519; p=", text)),
                HasSubstr("is not base64"))
        << text;
  }
}

TEST(ParseDkimKey, WhatIsNoTagListIsNoKey) {
  EXPECT_NE(Wrong(""), "");
  EXPECT_NE(Wrong("verification=abc def; x"), "");
}

TEST(FindDkimKey, NoneIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(FindDkimKey({}).status()));
  EXPECT_TRUE(absl::IsNotFound(CheckDkimKeys({})));
}

TEST(FindDkimKey, OneIsRead) {
  EXPECT_EQ(FindDkimKey({absl::StrCat("p=", kRsa1024)})->bits, 1024);
  EXPECT_TRUE(CheckDkimKeys({absl::StrCat("p=", kRsa1024)}).ok());
  EXPECT_TRUE(absl::IsDataLoss(CheckDkimKeys({"p="})));
}

TEST(FindDkimKey, SecondRecordOfAnyKindIsAnError) {
  const auto status =
      FindDkimKey({absl::StrCat("p=", kRsa1024), "other"}).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_EQ(status.message(), "there are 2 TXT records where there may be one");
}

// Its contents; "none" where none of that tag stands there whole.
std::string Contents(absl::string_view hex) {
  const std::string bytes = absl::HexStringToBytes(hex);
  absl::string_view rest = bytes;
  const auto contents = ConsumeDer(kDerSequence, rest);
  if (!contents.has_value()) {
    EXPECT_EQ(rest, bytes);
    return "none";
  }
  return absl::StrCat(absl::BytesToHexString(*contents), " ",
                      absl::BytesToHexString(rest));
}

TEST(ConsumeDer, TakesOneElement) {
  EXPECT_EQ(Contents("3002aabbcc"), "aabb cc");
  EXPECT_EQ(Contents("3000"), " ");
}

TEST(ConsumeDer, LongLengthIsInTheShortestForm) {
  const std::string bytes(256, 'a');
  EXPECT_EQ(Contents(absl::StrCat("308180", bytes)), absl::StrCat(bytes, " "));
  for (const char* header : {"30817f", "30820080", "3080", "308400000080"}) {
    EXPECT_EQ(Contents(absl::StrCat(header, bytes)), "none") << header;
  }
}

TEST(ConsumeDer, TakesNothingThatIsCutShort) {
  for (const char* hex : {"", "30", "3001", "3081", "308201", "308180aa",
                          "3083ffffff", "30ffffff"}) {
    EXPECT_EQ(Contents(hex), "none") << hex;
  }
}

TEST(ConsumeDer, TakesNothingOfAnotherTag) {
  EXPECT_EQ(Contents("3100"), "none");
}

}  // namespace
}  // namespace mailcow
