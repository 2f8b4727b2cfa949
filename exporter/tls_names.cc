#include "exporter/tls_names.h"

#include <openssl/ssl.h>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

// Forward secrecy only, as Go's defaults: the last are for TLS 1.1 and older.
constexpr char kDefaultCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES+SHA1";

bool IsOfTls13(absl::string_view suite) {
  return !absl::StrContains(suite, "_WITH_");
}

}  // namespace

int VersionNumber(TlsVersion version) {
  switch (version) {
    case TlsVersion::kTls10:
      return TLS1_VERSION;
    case TlsVersion::kTls11:
      return TLS1_1_VERSION;
    case TlsVersion::kTls12:
      return TLS1_2_VERSION;
    case TlsVersion::kTls13:
      return TLS1_3_VERSION;
  }
  return 0;
}

int VerifyMode(ClientAuth client_auth) {
  switch (client_auth) {
    case ClientAuth::kNoClientCert:
      return SSL_VERIFY_NONE;
    case ClientAuth::kRequestClientCert:
    case ClientAuth::kVerifyClientCertIfGiven:
      return SSL_VERIFY_PEER;
    case ClientAuth::kRequireAnyClientCert:
    case ClientAuth::kRequireAndVerifyClientCert:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

TlsVersion OldestVersion(const TlsSettings& settings) {
  const bool is_tls13_only = !settings.cipher_suites.empty() &&
                             absl::c_all_of(settings.cipher_suites, &IsOfTls13);
  return is_tls13_only ? TlsVersion::kTls13 : settings.min_version;
}

absl::StatusOr<std::string> CipherList(const std::vector<std::string>& suites) {
  std::vector<std::string> ciphers;
  for (const std::string& suite : suites) {
    if (IsOfTls13(suite)) continue;
    // Go uses the standard's names.
    const std::string cipher = OPENSSL_cipher_name(suite.c_str());
    if (cipher == "(NONE)") {
      return absl::InvalidArgumentError(
          absl::StrCat("cipher_suites: OpenSSL does not know ", suite));
    }
    ciphers.push_back(cipher);
  }
  return ciphers.empty() ? kDefaultCiphers : absl::StrJoin(ciphers, ":");
}

std::string GroupList(const std::vector<std::string>& curves) {
  std::vector<std::string> groups;
  for (absl::string_view curve : curves) {
    const bool is_nist = absl::ConsumePrefix(&curve, "CurveP");
    groups.push_back(absl::StrCat(is_nist ? "P-" : "", curve));
  }
  return absl::StrJoin(groups, ":");
}

}  // namespace mailcow
