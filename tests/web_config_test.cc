#include "exporter/web_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

// What a cost and "$2y$" precede in a hash: salt and digest.
constexpr char kDigest[] =
    "QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

std::string Hash(absl::string_view begin) {
  return absl::StrCat(begin, kDigest);
}

// What a file must say that is to be read.
WebConfig Config(const std::string& text) {
  return ParseWebConfig(text, "/etc/web.yml").value();
}

// What is said against a file that must be refused.
std::string Mistake(const std::string& text) {
  const auto config = ParseWebConfig(text, "web.yml");
  EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << text;
  return std::string(config.status().message());
}

constexpr absl::string_view kTls =
    "tls_server_config: {cert_file: c, key_file: k, ";

// The settings of a section that names a certificate and says `more`.
TlsSettings Tls(absl::string_view more) {
  return Config(absl::StrCat(kTls, more, "}")).tls.value();
}

std::string TlsMistake(absl::string_view more) {
  return Mistake(absl::StrCat(kTls, more, "}"));
}

// The burst and the interval of a section, or what is said against it.
std::string Limit(absl::string_view section) {
  const auto config =
      ParseWebConfig(absl::StrCat("rate_limit: ", section), "web.yml");
  if (!config.ok()) return std::string(config.status().message());
  if (!config->rate_limit.has_value()) return "none";
  return absl::StrCat(config->rate_limit->burst, " ",
                      absl::FormatDuration(config->rate_limit->interval));
}

// Is this a hash that may stand in a file?
bool IsHash(absl::string_view hash) {
  return ParseWebConfig(absl::StrCat("basic_auth_users: {a: '", hash, "'}"), "")
      .ok();
}

TEST(ParseWebConfig, EmptyFileAsksForNothing) {
  for (const std::string text :
       {"", "# nothing\n", "---\n", "{}", "~", "tls_server_config: {}\n",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n"
        "rate_limit:\n"}) {
    const WebConfig config = Config(text);
    EXPECT_FALSE(config.tls.has_value()) << text;
    EXPECT_THAT(config.basic_auth_users, IsEmpty()) << text;
    EXPECT_THAT(config.headers, IsEmpty()) << text;
    EXPECT_FALSE(config.rate_limit.has_value()) << text;
  }
}

TEST(ParseWebConfig, UnknownKeyIsRefusedInEverySection) {
  EXPECT_EQ(Mistake("\ntls: 1\n"), "web.yml:2: unknown key \"tls\"");
  EXPECT_EQ(Mistake("tls_server_config:\n  cert: c\n"),
            "web.yml:2: unknown key \"cert\"");
  EXPECT_EQ(Mistake("http_server_config:\n  http3: yes\n"),
            "web.yml:2: unknown key \"http3\"");
  EXPECT_EQ(Mistake("rate_limit:\n  bursts: 1\n"),
            "web.yml:2: unknown key \"bursts\"");
}

TEST(ParseWebConfig, DuplicateIsRefusedInEverySection) {
  EXPECT_EQ(Mistake("rate_limit:\nrate_limit:\n"),
            "web.yml:2: \"rate_limit\" stands twice");
  EXPECT_EQ(Mistake("tls_server_config:\n  key_file: a\n  key_file: a\n"),
            "web.yml:3: \"key_file\" stands twice");
  EXPECT_EQ(Mistake("http_server_config:\n  headers:\n"
                    "    X-XSS-Protection: 0\n    X-XSS-Protection: 0\n"),
            "web.yml:4: \"X-XSS-Protection\" stands twice");
  EXPECT_EQ(Mistake(absl::StrCat("basic_auth_users:\n  a: ", Hash("$2y$10$"),
                                 "\n  a: ", Hash("$2y$10$"), "\n")),
            "web.yml:3: \"a\" stands twice");
}

TEST(ParseWebConfig, SectionMustBeAMapping) {
  for (const char* key : {"tls_server_config", "http_server_config",
                          "basic_auth_users", "rate_limit"}) {
    EXPECT_EQ(Mistake(absl::StrCat(key, ": [1]")),
              "web.yml:1: not a mapping of keys to values");
  }
  EXPECT_EQ(Mistake("- 1"), "web.yml:1: not a mapping of keys to values");
}

TEST(WebConfigTls, HasTheDefaultsOfTheFamily) {
  const TlsSettings tls = Tls("");
  EXPECT_EQ(tls.client_ca_file, "");
  EXPECT_EQ(tls.client_auth, ClientAuth::kNoClientCert);
  EXPECT_EQ(tls.min_version, TlsVersion::kTls12);
  EXPECT_EQ(tls.max_version, TlsVersion::kTls13);
  EXPECT_THAT(tls.cipher_suites, IsEmpty());
  EXPECT_THAT(tls.curve_preferences, IsEmpty());
  EXPECT_TRUE(tls.prefer_server_cipher_suites);
}

TEST(WebConfigTls, NullLeavesTheDefault) {
  const TlsSettings tls =
      Tls("client_ca_file: ~, client_auth_type: ~, min_version: ~, "
          "max_version: ~, cipher_suites: ~, curve_preferences: ~, "
          "prefer_server_cipher_suites: ~");
  EXPECT_EQ(tls.min_version, TlsVersion::kTls12);
  EXPECT_TRUE(tls.prefer_server_cipher_suites);
}

TEST(WebConfigTls, RelativePathsCountFromTheDirectoryOfTheFile) {
  const TlsSettings tls =
      Config(
          "tls_server_config:\n  cert_file: a.crt\n  key_file: /b.key\n"
          "  client_ca_file: ../c.crt\n"
          "  client_auth_type: RequestClientCert\n")
          .tls.value();
  EXPECT_EQ(tls.cert_file, "/etc/a.crt");
  EXPECT_EQ(tls.key_file, "/b.key");
  EXPECT_EQ(tls.client_ca_file, "/etc/../c.crt");
  EXPECT_EQ(ParseWebConfig(absl::StrCat(kTls, "}"), "web.yml")->tls->cert_file,
            "c");
  EXPECT_EQ(
      ParseWebConfig(absl::StrCat(kTls, "}"), "a/web.yml")->tls->cert_file,
      "a/c");
  EXPECT_EQ(ParseWebConfig(absl::StrCat(kTls, "}"), "/web.yml")->tls->cert_file,
            "/c");
}

TEST(WebConfigTls, SettingsWithoutAFileAreNoTls) {
  EXPECT_FALSE(Config("tls_server_config: {min_version: TLS13, "
                      "cipher_suites: [TLS_AES_128_GCM_SHA256], "
                      "cert_file: '', client_auth_type: ''}")
                   .tls.has_value());
}

TEST(WebConfigTls, CertificateAndKeyBelongTogether) {
  EXPECT_EQ(Mistake("\ntls_server_config: {cert_file: c}"),
            "web.yml:2: TLS without key_file");
  EXPECT_EQ(Mistake("\ntls_server_config: {key_file: k}"),
            "web.yml:2: TLS without cert_file");
  EXPECT_EQ(Mistake("tls_server_config: {client_auth_type: NoClientCert}"),
            "web.yml:1: TLS without cert_file");
  EXPECT_EQ(Mistake("tls_server_config: {client_ca_file: a}"),
            "web.yml:1: TLS without cert_file");
}

TEST(WebConfigTls, ClientAuthIsOneOfGosNames) {
  const auto auth = [](absl::string_view name) {
    return Tls(absl::StrCat("client_auth_type: ", name)).client_auth;
  };
  EXPECT_EQ(auth("''"), ClientAuth::kNoClientCert);
  EXPECT_EQ(auth("NoClientCert"), ClientAuth::kNoClientCert);
  EXPECT_EQ(auth("RequestClientCert"), ClientAuth::kRequestClientCert);
  EXPECT_EQ(auth("RequireClientCert"), ClientAuth::kRequireAnyClientCert);
  EXPECT_EQ(auth("RequireAnyClientCert"), ClientAuth::kRequireAnyClientCert);
  EXPECT_EQ(auth("VerifyClientCertIfGiven"),
            ClientAuth::kVerifyClientCertIfGiven);
  EXPECT_EQ(auth("RequireAndVerifyClientCert"),
            ClientAuth::kRequireAndVerifyClientCert);
  EXPECT_EQ(TlsMistake("client_auth_type: requestclientcert"),
            "web.yml:1: unknown client_auth_type \"requestclientcert\"");
}

TEST(WebConfigTls, AuthorityThatNobodyIsAskedForIsRefused) {
  for (const char* auth : {"", ", client_auth_type: NoClientCert"}) {
    EXPECT_EQ(TlsMistake(absl::StrCat("client_ca_file: a", auth)),
              "web.yml:1: client_ca_file without a client_auth_type that asks "
              "for certificates");
  }
}

TEST(WebConfigTls, VersionsAreNamed) {
  const TlsSettings low = Tls("min_version: TLS10, max_version: TLS11");
  EXPECT_EQ(low.min_version, TlsVersion::kTls10);
  EXPECT_EQ(low.max_version, TlsVersion::kTls11);
  const TlsSettings high = Tls("min_version: TLS13, max_version: TLS13");
  EXPECT_EQ(high.min_version, TlsVersion::kTls13);
  EXPECT_EQ(high.max_version, TlsVersion::kTls13);
  EXPECT_EQ(Tls("max_version: TLS12").max_version, TlsVersion::kTls12);
  EXPECT_EQ(TlsMistake("min_version: '1.2'"),
            "web.yml:1: unknown TLS version \"1.2\"");
  EXPECT_EQ(TlsMistake("max_version: ''"),
            "web.yml:1: unknown TLS version \"\"");
}

TEST(WebConfigTls, RangeWithoutAVersionIsRefused) {
  EXPECT_EQ(TlsMistake("max_version: TLS11"),
            "web.yml:1: min_version is above max_version");
}

TEST(WebConfigTls, CiphersAndCurvesKeepTheirOrder) {
  const TlsSettings tls =
      Tls("cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, "
          "TLS_AES_128_GCM_SHA256], curve_preferences: [X25519, CurveP256]");
  EXPECT_THAT(tls.cipher_suites, ElementsAre("TLS_RSA_WITH_AES_128_CBC_SHA",
                                             "TLS_AES_128_GCM_SHA256"));
  EXPECT_THAT(tls.curve_preferences, ElementsAre("X25519", "CurveP256"));
}

TEST(WebConfigTls, UnknownCipherOrCurveIsRefusedByItsLine) {
  EXPECT_EQ(Mistake("tls_server_config:\n  cipher_suites:\n"
                    "  - TLS_AES_128_GCM_SHA256\n"
                    "  - TLS_RSA_WITH_RC4_128_SHA\n"),
            "web.yml:4: unknown cipher \"TLS_RSA_WITH_RC4_128_SHA\"");
  EXPECT_EQ(TlsMistake("curve_preferences: [P256]"),
            "web.yml:1: unknown curve \"P256\"");
  EXPECT_EQ(TlsMistake("cipher_suites: [~]"), "web.yml:1: unknown cipher \"\"");
  EXPECT_EQ(TlsMistake("curve_preferences: [[]]"),
            "web.yml:1: not a single value");
  EXPECT_EQ(TlsMistake("curve_preferences: X25519"), "web.yml:1: not a list");
}

TEST(WebConfigTls, WrongTypesAreRefused) {
  EXPECT_EQ(Mistake("tls_server_config:\n  cert_file: [c]\n"),
            "web.yml:2: not a single value");
  EXPECT_EQ(TlsMistake("prefer_server_cipher_suites: 1"),
            "web.yml:1: neither true nor false");
  EXPECT_FALSE(
      Tls("prefer_server_cipher_suites: no").prefer_server_cipher_suites);
}

TEST(WebConfigHttp, Http2IsTakenWithoutEffect) {
  EXPECT_THAT(Config("http_server_config: {http2: false}").headers, IsEmpty());
  EXPECT_EQ(Mistake("http_server_config: {http2: 2}"),
            "web.yml:1: neither true nor false");
}

TEST(WebConfigHttp, HeadersAreThoseOfTheFamily) {
  EXPECT_THAT(
      Config("http_server_config:\n  headers:\n"
             "    X-Frame-Options: sameorigin\n"
             "    X-Content-Type-Options: nosniff\n"
             "    X-XSS-Protection: 1\n"
             "    Strict-Transport-Security: max-age=31536000\n"
             "    Content-Security-Policy: \"default-src\\t'self'\"\n")
          .headers,
      ElementsAre(Pair("X-Frame-Options", "sameorigin"),
                  Pair("X-Content-Type-Options", "nosniff"),
                  Pair("X-XSS-Protection", "1"),
                  Pair("Strict-Transport-Security", "max-age=31536000"),
                  Pair("Content-Security-Policy", "default-src\t'self'")));
  EXPECT_EQ(Mistake("http_server_config:\n  headers:\n    Server: x\n"),
            "web.yml:3: the header \"Server\" can not be configured");
  EXPECT_EQ(Mistake("http_server_config: {headers: {x-frame-options: deny}}"),
            "web.yml:1: the header \"x-frame-options\" can not be configured");
}

TEST(WebConfigHttp, HeaderHasOneOfItsValues) {
  const auto frame = [](absl::string_view value) {
    return absl::StrCat(
        "http_server_config:\n  headers:\n    X-Frame-Options: ", value, "\n");
  };
  EXPECT_THAT(Config(frame("deny")).headers,
              ElementsAre(Pair("X-Frame-Options", "deny")));
  for (const char* value : {"DENY", "''", "~"}) {
    EXPECT_EQ(Mistake(frame(value)),
              "web.yml:3: X-Frame-Options may only be deny, sameorigin");
  }
  EXPECT_EQ(Mistake("http_server_config: {headers: "
                    "{X-Content-Type-Options: sniff}}"),
            "web.yml:1: X-Content-Type-Options may only be nosniff");
}

TEST(WebConfigHttp, BlankHeaderIsNotSent) {
  EXPECT_THAT(Config("http_server_config: {headers: "
                     "{X-XSS-Protection: ~, Content-Security-Policy: ''}}")
                  .headers,
              IsEmpty());
}

TEST(WebConfigHttp, HeaderCanNotBeginAnother) {
  for (const char* value : {"\"a\\nX: b\"", "\"a\\rX: b\"", "\"a\\x7f\"",
                            "\"a\\x1f\"", "|\n      a\n"}) {
    EXPECT_EQ(Mistake(absl::StrCat("http_server_config:\n  headers:\n"
                                   "    X-XSS-Protection: ",
                                   value, "\n")),
              "web.yml:3: X-XSS-Protection has a line break or another control "
              "character")
        << value;
  }
  EXPECT_EQ(Mistake("http_server_config: {headers: {X-XSS-Protection: "
                    "\"a\\0b\"}}"),
            "web.yml:1: a value with a NUL byte");
}

TEST(WebConfigUsers, AreNamesAndHashes) {
  const std::string hash = Hash("$2y$10$");
  EXPECT_THAT(
      Config(absl::StrCat("basic_auth_users:\n  alice: &h ", hash,
                          "\n  \"b:o\": *h\n  1: '", hash, "'\n"))
          .basic_auth_users,
      ElementsAre(Pair("1", hash), Pair("alice", hash), Pair("b:o", hash)));
}

TEST(WebConfigUsers, HashIsBcrypt) {
  for (const char* begin :
       {"$2a$10$", "$2b$10$", "$2y$10$", "$2y$04$", "$2y$31$"}) {
    EXPECT_TRUE(IsHash(Hash(begin))) << begin;
  }
  for (const char* begin :
       {"$2$10$", "$2x$10$", "$2z$10$", "$1y$10$", "$2y$03$", "$2y$32$",
        "$2y$ 9$", "$2y$+9$", "$2y$1O$", "2y$10$", "$2y$10", "$2y:10$",
        "$2y$10:", "x2y$10$", "$2y$010$"}) {
    EXPECT_FALSE(IsHash(Hash(begin))) << begin;
  }
}

TEST(WebConfigUsers, HashIsSixtyCharactersOfItsAlphabet) {
  const std::string hash = Hash("$2y$10$");
  EXPECT_TRUE(IsHash(hash.substr(0, 59) + "."));
  EXPECT_TRUE(IsHash(hash.substr(0, 59) + "/"));
  EXPECT_FALSE(IsHash(hash.substr(0, 59) + "-"));
  EXPECT_FALSE(IsHash(hash.substr(0, 59) + ":"));
  EXPECT_FALSE(IsHash(hash.substr(0, 7) + "$" + hash.substr(8)));
  EXPECT_FALSE(IsHash(hash.substr(0, 59)));
  EXPECT_FALSE(IsHash(hash + "."));
  EXPECT_FALSE(IsHash(""));
  EXPECT_FALSE(IsHash("aaXYZ12345678"));
}

TEST(WebConfigUsers, MistakeNamesTheUserOnly) {
  EXPECT_EQ(Mistake("basic_auth_users:\n  alice: hunter2\n"),
            "web.yml:2: the password of \"alice\" is no bcrypt hash");
  EXPECT_EQ(Mistake("basic_auth_users:\n  alice:\n"),
            "web.yml:2: the password of \"alice\" is no bcrypt hash");
}

TEST(WebConfigUsers, NoMessageHoldsAHash) {
  const std::string hash = Hash("$2y$10$");
  for (const char* text :
       {"HASH", "HASH: a", "basic_auth_users: HASH",
        "basic_auth_users: {HASH: a}", "basic_auth_users: {a: HASHx}",
        "basic_auth_users: {a: [HASH]}", "basic_auth_users: {a: *HASH}",
        "basic_auth_users: {a: !HASH b}", "basic_auth_users: {? HASH, HASH}",
        "tls_server_config: {min_version: HASH}",
        "tls_server_config: {cipher_suites: [HASH]}",
        "http_server_config: {headers: {HASH: a}}", "rate_limit: {burst: HASH}",
        "rate_limit: {interval: HASH}"}) {
    EXPECT_THAT(Mistake(absl::StrReplaceAll(text, {{"HASH", hash}})),
                Not(HasSubstr("$2")));
  }
}

TEST(WebConfigRateLimit, IsABurstAndAnInterval) {
  EXPECT_EQ(Limit("{burst: 1, interval: 100ms}"), "1 100ms");
  EXPECT_EQ(Limit("{interval: 1m30s, burst: 20}"), "20 1m30s");
  EXPECT_EQ(Limit("{burst: 2147483647, interval: 1ns}"), "2147483647 1ns");
}

TEST(WebConfigRateLimit, IntervalOfZeroTurnsItOff) {
  EXPECT_EQ(Limit("{burst: 20, interval: 0}"), "none");
  EXPECT_EQ(Limit("{burst: 20, interval: 0s}"), "none");
  EXPECT_EQ(Limit("{burst: 0}"), "none");
}

TEST(WebConfigRateLimit, BurstIsAWholeNumber) {
  for (const char* burst :
       {"-1", "1.5", "010", "1_0", "+1", "'1'", "x", "[]", "2147483648"}) {
    EXPECT_EQ(Limit(absl::StrCat("{burst: ", burst, ", interval: 1s}")),
              "web.yml:1: burst is not a whole number")
        << burst;
  }
}

TEST(WebConfigRateLimit, BurstOfNoneIsRefused) {
  for (const char* burst : {"", "burst: 0, ", "burst: ~, "}) {
    EXPECT_EQ(Limit(absl::StrCat("{", burst, "interval: 1s}")),
              "web.yml:1: rate_limit without a burst refuses every request");
  }
}

TEST(WebConfigRateLimit, IntervalIsADuration) {
  for (const char* interval : {"1", "-1s", "inf", "1 s", "''", "x"}) {
    EXPECT_EQ(Limit(absl::StrCat("{burst: 1, interval: ", interval, "}")),
              "web.yml:1: interval is not a duration such as 100ms or 1m30s")
        << interval;
  }
  EXPECT_EQ(Limit("{burst: 1, interval: [1s]}"),
            "web.yml:1: not a single value");
}

}  // namespace
}  // namespace mailcow
