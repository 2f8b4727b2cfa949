#include "exporter/tls_terms.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "exporter/pem.h"
#include "exporter/tls_names.h"

namespace mailcow {
namespace {

bool TakesAnyCertificate(ClientAuth client_auth) {
  return client_auth == ClientAuth::kRequestClientCert ||
         client_auth == ClientAuth::kRequireAnyClientCert;
}

int Accept(X509_STORE_CTX* /*context*/, void* /*argument*/) { return 1; }

absl::Status Complaint(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", OpenSslError()));
}

}  // namespace

void TlsTerms::Deleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

absl::StatusOr<std::shared_ptr<const TlsTerms>> TlsTerms::Make(
    const TlsSettings& settings, const TlsFiles& files) {
  if (OldestVersion(settings) > settings.max_version) {
    return absl::InvalidArgumentError(
        "min_version, max_version and cipher_suites leave no version of TLS");
  }
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return Complaint("TLS");
  std::shared_ptr<TlsTerms> terms(new TlsTerms(settings, context));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Their signatures are by SHA-1, which OpenSSL takes at no other level.
  if (settings.min_version < TlsVersion::kTls12) {
    SSL_CTX_set_security_level(context, 0);
  }
  if (absl::Status status = terms->SetCiphers(); !status.ok()) return status;
  if (absl::Status status = terms->SetCertificate(files); !status.ok()) {
    return status;
  }
  if (absl::Status status = terms->SetClientCa(files); !status.ok()) {
    return status;
  }
  return terms;
}

absl::Status TlsTerms::SetCiphers() {
  const auto ciphers = CipherList(settings_.cipher_suites);
  if (!ciphers.ok()) return ciphers.status();
  if (SSL_CTX_set_cipher_list(context_.get(), ciphers->c_str()) != 1) {
    return Complaint("cipher_suites");
  }
  const std::string groups = GroupList(settings_.curve_preferences);
  if (!groups.empty() &&
      SSL_CTX_set1_groups_list(context_.get(), groups.c_str()) != 1) {
    return Complaint("curve_preferences");
  }
  return absl::OkStatus();
}

absl::Status TlsTerms::SetCertificate(const TlsFiles& files) {
  const auto chain = ParseCertificates(files.certificate, settings_.cert_file);
  if (!chain.ok()) return chain.status();
  const auto key = ParsePrivateKey(files.key, settings_.key_file);
  if (!key.ok()) return key.status();
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat(
        settings_.key_file, " does not belong to ", settings_.cert_file));
  }
  if (SSL_CTX_use_certificate(context_.get(), chain->front().get()) != 1) {
    return Complaint(settings_.cert_file);
  }
  if (SSL_CTX_use_PrivateKey(context_.get(), key->get()) != 1) {
    return Complaint(settings_.key_file);
  }
  for (size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context_.get(), (*chain)[i].get()) != 1) {
      return Complaint(settings_.cert_file);
    }
  }
  return absl::OkStatus();
}

absl::Status TlsTerms::SetClientCa(const TlsFiles& files) {
  if (TakesAnyCertificate(settings_.client_auth)) {
    SSL_CTX_set_cert_verify_callback(context_.get(), &Accept, nullptr);
  }
  if (settings_.client_ca_file.empty()) return absl::OkStatus();
  const auto authorities =
      ParseCertificates(files.client_ca, settings_.client_ca_file);
  if (!authorities.ok()) return authorities.status();
  X509_STORE* store = SSL_CTX_get_cert_store(context_.get());
  // Whatever is in the file is trusted, be it an intermediate or a client's own
  // certificate, as in Go.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const CertificatePtr& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context_.get(), authority.get()) != 1) {
      return Complaint(settings_.client_ca_file);
    }
  }
  return absl::OkStatus();
}

bool TlsTerms::ApplyTo(ssl_st* ssl) const {
  // This brings the certificate, the ciphers, the security level and those who
  // vouch for clients; the rest was copied when the connection began.
  if (SSL_set_SSL_CTX(ssl, context_.get()) == nullptr) return false;
  SSL_set_verify(ssl, VerifyMode(settings_.client_auth), nullptr);
  if (settings_.prefer_server_cipher_suites) {
    SSL_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  const std::string groups = GroupList(settings_.curve_preferences);
  return SSL_set_min_proto_version(
             ssl, VersionNumber(OldestVersion(settings_))) == 1 &&
         SSL_set_max_proto_version(ssl, VersionNumber(settings_.max_version)) ==
             1 &&
         (groups.empty() || SSL_set1_groups_list(ssl, groups.c_str()) == 1);
}

}  // namespace mailcow
