// Certificates and TLS clients for tests: handshakes in memory, without a
// socket.

#ifndef TESTS_TLS_PEER_H_
#define TESTS_TLS_PEER_H_

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mailcow {

// A certificate and its key, in PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

struct IdentityKind {
  bool is_authority = false;
  bool is_for_servers_only = false;
  bool is_rsa = false;
};

inline std::string TakeText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

inline X509* ReadCertificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

inline EVP_PKEY* ReadKey(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return key;
}

// A key in PEM; encrypted where there is a passphrase.
inline std::string WriteKey(EVP_PKEY* key, std::string passphrase = "") {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(
      bio, key, passphrase.empty() ? nullptr : EVP_aes_128_cbc(),
      passphrase.data(), static_cast<int>(passphrase.size()), nullptr, nullptr);
  return TakeText(bio);
}

// Signed by `issuer`, or by itself.
inline Identity MakeIdentity(const std::string& name,
                             const Identity* issuer = nullptr,
                             const IdentityKind& kind = {}) {
  EVP_PKEY* key = kind.is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(
      subject, "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* signer =
      issuer != nullptr ? ReadCertificate(issuer->certificate) : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  const auto extend = [certificate](int nid, const char* value) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints,
         kind.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (kind.is_for_servers_only) extend(NID_ext_key_usage, "serverAuth");
  EVP_PKEY* signing_key = issuer != nullptr ? ReadKey(issuer->key) : key;
  X509_sign(certificate, signing_key, EVP_sha256());
  if (signing_key != key) EVP_PKEY_free(signing_key);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  const Identity identity = {TakeText(bio), WriteKey(key)};
  if (signer != certificate) X509_free(signer);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

struct TlsClient {
  const Identity* identity = nullptr;
  int version = 0;  // the only one it speaks, where it is not zero
  std::string ciphers = "ALL:@SECLEVEL=0";
  std::string groups;
};

// How a handshake went, as both sides see it.
struct Meeting {
  bool succeeded = false;
  int version = 0;
  std::string cipher;
  std::string group;
  std::vector<std::string> server_chain;   // the names in its certificates
  bool was_asked_for_certificate = false;  // having none
  std::set<std::string> authorities;       // that the client was told of
  bool server_saw_certificate = false;
  bool has_session = false;  // that could be resumed
};

inline std::string CommonName(const X509_NAME* name) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof(text));
  return text;
}

// Called where the client has no certificate of its own.
inline int OnCertificateRequest(SSL* ssl, X509** /*certificate*/,
                                EVP_PKEY** /*key*/) {
  auto& seen = *static_cast<Meeting*>(SSL_get_app_data(ssl));
  seen.was_asked_for_certificate = true;
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    seen.authorities.insert(CommonName(sk_X509_NAME_value(names, i)));
  }
  return 0;
}

inline SSL* NewClient(SSL_CTX* context, const TlsClient& client,
                      Meeting& meeting) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(
      context, client.version == 0 ? TLS1_VERSION : client.version);
  SSL_CTX_set_max_proto_version(context, client.version);
  SSL_CTX_set_cipher_list(context, client.ciphers.c_str());
  if (!client.groups.empty()) {
    SSL_CTX_set1_groups_list(context, client.groups.c_str());
  }
  SSL_CTX_set_client_cert_cb(context, &OnCertificateRequest);
  if (client.identity != nullptr) {
    X509* certificate = ReadCertificate(client.identity->certificate);
    EVP_PKEY* key = ReadKey(client.identity->key);
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  SSL* ssl = SSL_new(context);
  SSL_set_app_data(ssl, &meeting);
  return ssl;
}

// Lets both sides speak until neither gets further, and the server's verdict
// on the client's certificate has arrived.
inline bool Converse(SSL* server, SSL* client) {
  int served = -1;
  int asked = -1;
  for (int round = 0; round < 20 && (served != 1 || asked != 1); ++round) {
    asked = SSL_do_handshake(client);
    served = SSL_do_handshake(server);
  }
  char byte = 'x';
  return served == 1 && asked == 1 && SSL_write(server, &byte, 1) == 1 &&
         SSL_read(client, &byte, 1) == 1;
}

inline void Observe(SSL* server, SSL* client, Meeting& meeting) {
  meeting.version = SSL_version(client);
  meeting.cipher = SSL_get_cipher_name(client);
  const int group = static_cast<int>(SSL_get_negotiated_group(client));
  meeting.group = group == NID_undef ? "" : OBJ_nid2sn(group);
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(client);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    meeting.server_chain.push_back(
        CommonName(X509_get_subject_name(sk_X509_value(chain, i))));
  }
  meeting.server_saw_certificate = SSL_get0_peer_certificate(server) != nullptr;
  meeting.has_session = SSL_SESSION_is_resumable(SSL_get0_session(client)) == 1;
}

inline Meeting Meet(SSL_CTX* server_context, const TlsClient& asked = {}) {
  Meeting meeting;
  SSL_CTX* client_context = SSL_CTX_new(TLS_client_method());
  SSL* client = NewClient(client_context, asked, meeting);
  SSL* server = SSL_new(server_context);
  BIO* near = nullptr;
  BIO* far = nullptr;
  BIO_new_bio_pair(&near, 1 << 16, &far, 1 << 16);
  SSL_set_bio(client, near, near);
  SSL_set_bio(server, far, far);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  meeting.succeeded = Converse(server, client);
  if (meeting.succeeded) Observe(server, client, meeting);
  SSL_free(server);
  SSL_free(client);
  SSL_CTX_free(client_context);
  return meeting;
}

}  // namespace mailcow

#endif  // TESTS_TLS_PEER_H_
