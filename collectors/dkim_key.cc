#include "collectors/dkim_key.h"

#include <algorithm>
#include <bit>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "collectors/tag_list.h"

namespace mailcow {
namespace {

constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kBitString = 0x03;
// rsaEncryption, whose parameters are NULL.
constexpr char kRsaAlgorithm[] =
    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

uint8_t ByteAt(absl::string_view bytes, size_t index) {
  return static_cast<uint8_t>(bytes[index]);
}

// The bytes of a number above zero, without leading zeros. Only the shortest
// form is DER.
std::optional<absl::string_view> ConsumePositive(absl::string_view& der) {
  std::optional<absl::string_view> number = ConsumeDer(kInteger, der);
  if (!number.has_value() || number->empty()) return std::nullopt;
  const bool is_padded = number->size() > 1 && number->front() == '\0';
  if (is_padded) number->remove_prefix(1);
  if (is_padded != (ByteAt(*number, 0) >= 0x80)) return std::nullopt;
  return number->front() == '\0' ? std::nullopt : number;
}

bool IsOdd(absl::string_view number) {
  return ByteAt(number, number.size() - 1) % 2 == 1;
}

// Of an RSAPublicKey, or of the SubjectPublicKeyInfo around one: RFC 6376 says
// the former, everybody publishes the latter (erratum 3017).
std::optional<int> RsaBits(absl::string_view der) {
  std::optional<absl::string_view> key = ConsumeDer(kDerSequence, der);
  if (!key.has_value() || !der.empty()) return std::nullopt;
  if (absl::ConsumePrefix(&*key, {kRsaAlgorithm, sizeof(kRsaAlgorithm) - 1})) {
    auto bits = ConsumeDer(kBitString, *key);
    const bool is_whole = bits.has_value() && key->empty() &&
                          absl::ConsumePrefix(&*bits, {"\0", 1});
    if (!is_whole) return std::nullopt;
    der = *bits;
    key = ConsumeDer(kDerSequence, der);
    if (!key.has_value() || !der.empty()) return std::nullopt;
  }
  const auto modulus = ConsumePositive(*key);
  const auto exponent = ConsumePositive(*key);
  const bool is_sound = modulus.has_value() && exponent.has_value() &&
                        key->empty() && IsOdd(*modulus) && IsOdd(*exponent) &&
                        *exponent != "\x01";
  if (!is_sound) return std::nullopt;
  return static_cast<int>(8 * (modulus->size() - 1)) +
         std::bit_width(ByteAt(*modulus, 0));
}

std::optional<std::string> DecodeBase64(absl::string_view text) {
  const std::string base64 = absl::StrReplaceAll(text, {{" ", ""}, {"\t", ""}});
  absl::string_view digits = base64;
  absl::ConsumeSuffix(&digits, "=");
  absl::ConsumeSuffix(&digits, "=");
  const bool is_base64 =
      base64.size() % 4 == 0 &&
      std::all_of(digits.begin(), digits.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '+' || c == '/';
      });
  std::string bytes;
  if (!is_base64 || !absl::Base64Unescape(base64, &bytes)) return std::nullopt;
  return bytes;
}

// Whether "sha1 : sha256" names one of those. A tag that is absent allows all.
bool Allows(const std::vector<Tag>& tags, absl::string_view name,
            absl::Span<const absl::string_view> wanted) {
  const auto value = FindTag(tags, name);
  if (!value.has_value()) return true;
  const std::vector<absl::string_view> words = absl::StrSplit(*value, ':');
  return std::any_of(words.begin(), words.end(), [&](absl::string_view word) {
    return std::count(wanted.begin(), wanted.end(),
                      absl::StripAsciiWhitespace(word)) > 0;
  });
}

absl::StatusOr<DkimKey> ParseEd25519(absl::string_view bytes) {
  constexpr size_t kSize = 32;
  if (bytes.size() != kSize) {
    return absl::DataLossError(absl::StrCat(
        "p= holds ", bytes.size(), " bytes, an Ed25519 key has ", kSize));
  }
  return DkimKey{.algorithm = DkimKey::Algorithm::kEd25519, .bits = kSize * 8};
}

absl::StatusOr<DkimKey> ParseRsa(absl::string_view bytes) {
  constexpr int kLeastBits = 1024;
  const std::optional<int> bits = RsaBits(bytes);
  if (!bits.has_value()) {
    return absl::DataLossError("p= is not the DER of a public RSA key");
  }
  if (*bits < kLeastBits) {
    return absl::DataLossError(absl::StrCat("the RSA key has ", *bits,
                                            " bits, receivers want at least ",
                                            kLeastBits));
  }
  return DkimKey{.bits = *bits};
}

absl::Status CheckUse(const std::vector<Tag>& tags) {
  const auto version = FindTag(tags, "v");
  if (version.has_value() &&
      (tags.front().name != "v" || *version != "DKIM1")) {
    return absl::DataLossError(absl::StrCat(
        "v=", Excerpt(*version),
        tags.front().name == "v" ? " is not DKIM1" : " is not the first tag"));
  }
  if (!Allows(tags, "h", {"sha256"})) {
    return absl::DataLossError(
        absl::StrCat("h=", Excerpt(*FindTag(tags, "h")), " lacks sha256"));
  }
  if (!Allows(tags, "s", {"*", "email"})) {
    return absl::DataLossError(
        absl::StrCat("s=", Excerpt(*FindTag(tags, "s")), " lacks * and email"));
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<absl::string_view> ConsumeDer(uint8_t tag,
                                            absl::string_view& der) {
  constexpr size_t kLong = 0x80;
  if (der.size() < 2 || ByteAt(der, 0) != tag) return std::nullopt;
  size_t header = 2;
  size_t length = ByteAt(der, 1);
  if (length >= kLong) {
    // No key or certificate needs more than three bytes of length.
    const size_t bytes = length - kLong;
    if (bytes == 0 || bytes > 3 || der.size() < 2 + bytes) return std::nullopt;
    length = 0;
    for (; header < 2 + bytes; ++header) {
      length = length * 256 + ByteAt(der, header);
    }
    if (length < kLong || ByteAt(der, 2) == 0) return std::nullopt;
  }
  if (length > der.size() - header) return std::nullopt;
  const absl::string_view contents = der.substr(header, length);
  der.remove_prefix(header + length);
  return contents;
}

absl::StatusOr<DkimKey> ParseDkimKey(absl::string_view text) {
  const auto tags = ParseTagList(text);
  if (!tags.ok()) return tags.status();
  absl::Status status = CheckUse(*tags);
  if (!status.ok()) return status;
  const auto value = FindTag(*tags, "p");
  if (!value.has_value()) {
    return absl::DataLossError(absl::StrCat(Excerpt(text), " lacks p="));
  }
  if (value->empty()) {
    return absl::DataLossError("p= is empty: the key is revoked");
  }
  const auto bytes = DecodeBase64(*value);
  if (!bytes.has_value()) {
    return absl::DataLossError(
        absl::StrCat("p= is not base64: ", Excerpt(*value)));
  }
  const absl::string_view algorithm = FindTag(*tags, "k").value_or("rsa");
  if (algorithm != "rsa" && algorithm != "ed25519") {
    return absl::DataLossError(
        absl::StrCat("k=", Excerpt(algorithm), " is neither rsa nor ed25519"));
  }
  auto key = algorithm == "rsa" ? ParseRsa(*bytes) : ParseEd25519(*bytes);
  if (!key.ok()) return key;
  key->is_testing =
      FindTag(*tags, "t").has_value() && Allows(*tags, "t", {"y"});
  return key;
}

absl::StatusOr<DkimKey> FindDkimKey(const std::vector<std::string>& texts) {
  if (texts.empty()) return absl::NotFoundError("there is no TXT record");
  if (texts.size() > 1) {
    return absl::DataLossError(absl::StrCat("there are ", texts.size(),
                                            " TXT records where there may be "
                                            "one"));
  }
  return ParseDkimKey(texts.front());
}

absl::Status CheckDkimKeys(const std::vector<std::string>& texts) {
  return FindDkimKey(texts).status();
}

}  // namespace mailcow
