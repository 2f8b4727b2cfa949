// The file of --web.config.file, in the format that the exporters of the
// Prometheus family share: TLS, basic authentication, HTTP headers, rate limit.
// https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

#ifndef EXPORTER_WEB_CONFIG_H_
#define EXPORTER_WEB_CONFIG_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace mailcow {

// What is asked of a client's certificate; the names of Go's crypto/tls, which
// the file uses.
enum class ClientAuth {
  kNoClientCert,
  kRequestClientCert,
  kRequireAnyClientCert,
  kVerifyClientCertIfGiven,
  kRequireAndVerifyClientCert,
};

enum class TlsVersion { kTls10, kTls11, kTls12, kTls13 };

struct TlsSettings {
  // Absolute, or relative to where the program was started: a relative path in
  // the file counts from the directory of the file.
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;  // empty where none is named
  ClientAuth client_auth = ClientAuth::kNoClientCert;
  TlsVersion min_version = TlsVersion::kTls12;
  TlsVersion max_version = TlsVersion::kTls13;
  // The names of Go's crypto/tls; empty for the defaults.
  std::vector<std::string> cipher_suites;
  std::vector<std::string> curve_preferences;
  bool prefer_server_cipher_suites = true;
};

// A token bucket: `burst` requests at once, and one more every `interval`. Both
// are above zero.
struct RateLimit {
  int burst = 0;
  absl::Duration interval;
};

struct WebConfig {
  std::optional<TlsSettings> tls;  // without it, plain HTTP
  // Name to bcrypt hash, of 60 characters that begin with $2a$, $2b$ or $2y$;
  // without any, nobody is asked who they are.
  std::map<std::string, std::string> basic_auth_users;
  // To be sent with every answer, in this order; neither blank nor with a
  // control character other than the tab.
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<RateLimit> rate_limit;
};

// InvalidArgument "FILE:LINE: ..." for what the family's own exporters refuse:
// an unknown or duplicate key, a value that is none of those allowed. It also
// refuses what they take and do not mean; tests/web_config_agreement_test.py
// has the list. Does not read the files that are named. No message holds a
// hash.
absl::StatusOr<WebConfig> ParseWebConfig(const std::string& text,
                                         const std::string& file);

}  // namespace mailcow

#endif  // EXPORTER_WEB_CONFIG_H_
