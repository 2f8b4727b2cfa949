#include "exporter/tls_context.h"

#include <openssl/ssl.h>

#include <utility>

#include "exporter/pem.h"

namespace mailcow {

absl::StatusOr<std::unique_ptr<TlsContext>> TlsContext::Make(
    std::shared_ptr<const TlsTerms> terms) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return absl::InternalError(OpenSslError());
  return std::unique_ptr<TlsContext>(new TlsContext(context, std::move(terms)));
}

TlsContext::TlsContext(ssl_ctx_st* context,
                       std::shared_ptr<const TlsTerms> terms)
    : context_(context), terms_(std::move(terms)) {
  // Anything goes until the terms are applied: OpenSSL looks for a version and
  // a cipher that both allow even before the client's hello. There is no
  // certificate, so that no handshake succeeds without terms.
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, 0);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context, 0);
  // The chain is what its file says, not what could be found besides.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_client_hello_cb(context, &TlsContext::OnClientHello, this);
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

void TlsContext::Use(std::shared_ptr<const TlsTerms> terms) {
  absl::MutexLock lock(&mutex_);
  terms_ = std::move(terms);
}

int TlsContext::OnClientHello(ssl_st* ssl, int* alert, void* self) {
  auto& context = *static_cast<TlsContext*>(self);
  std::shared_ptr<const TlsTerms> terms;
  {
    absl::MutexLock lock(&context.mutex_);
    terms = context.terms_;
  }
  if (terms->ApplyTo(ssl)) return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

}  // namespace mailcow
