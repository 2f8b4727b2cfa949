// OpenSSL's terms for what the web configuration says in those of Go.

#ifndef EXPORTER_TLS_NAMES_H_
#define EXPORTER_TLS_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/web_config.h"

namespace mailcow {

// As SSL_set_min_proto_version() takes it.
int VersionNumber(TlsVersion version);

// As SSL_set_verify() takes it.
int VerifyMode(ClientAuth client_auth);

// The oldest version that is spoken. Where ciphers are named and all are of TLS
// 1.3, there are none for the older versions.
TlsVersion OldestVersion(const TlsSettings& settings);

// As SSL_CTX_set_cipher_list() takes it, for TLS 1.2 and older: TLS 1.3 has
// ciphers of its own, which are all in use, in Go as well. InvalidArgument
// names one that OpenSSL does not know.
absl::StatusOr<std::string> CipherList(const std::vector<std::string>& suites);

// As SSL_set1_groups_list() takes it; empty for OpenSSL's own choice.
std::string GroupList(const std::vector<std::string>& curves);

}  // namespace mailcow

#endif  // EXPORTER_TLS_NAMES_H_
