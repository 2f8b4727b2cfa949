// What a TLS handshake follows: one version of the certificate and the rules.

#ifndef EXPORTER_TLS_TERMS_H_
#define EXPORTER_TLS_TERMS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "exporter/web_config.h"

struct ssl_ctx_st;
struct ssl_st;

namespace mailcow {

// The content of the files that TlsSettings name.
struct TlsFiles {
  std::string certificate;  // with its chain, that of the server first
  std::string key;
  std::string client_ca;  // who may vouch for clients; empty where nobody may
};

class TlsTerms {
 public:
  // InvalidArgument names the file or the setting, and what is wrong with it.
  // A key that is encrypted is refused: nobody is there to ask.
  static absl::StatusOr<std::shared_ptr<const TlsTerms>> Make(
      const TlsSettings& settings, const TlsFiles& files);

  // Makes a handshake follow these terms; only before its version is chosen,
  // from the callback for the client's hello. False where OpenSSL refuses.
  bool ApplyTo(ssl_st* ssl) const;

 private:
  struct Deleter {
    void operator()(ssl_ctx_st* context) const;
  };

  TlsTerms(const TlsSettings& settings, ssl_ctx_st* context)
      : settings_(settings), context_(context) {}
  absl::Status SetCiphers();
  absl::Status SetCertificate(const TlsFiles& files);
  absl::Status SetClientCa(const TlsFiles& files);

  const TlsSettings settings_;
  const std::unique_ptr<ssl_ctx_st, Deleter> context_;
};

}  // namespace mailcow

#endif  // EXPORTER_TLS_TERMS_H_
