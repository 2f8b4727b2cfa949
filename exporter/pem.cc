#include "exporter/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

BioPtr Reader(absl::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// By default, OpenSSL asks on the terminal.
int RefusePassphrase(char* /*buffer*/, int /*size*/, int /*is_writing*/,
                     void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

absl::Status Complaint(absl::string_view file, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", what));
}

}  // namespace

void OpenSslDeleter::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

void OpenSslDeleter::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::string OpenSslError() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  std::string text = reason == nullptr ? "unknown error of OpenSSL" : reason;
  ERR_clear_error();
  return text;
}

absl::StatusOr<std::vector<CertificatePtr>> ParseCertificates(
    absl::string_view text, absl::string_view file) {
  const BioPtr reader = Reader(text);
  std::vector<CertificatePtr> certificates;
  bool was_asked = false;
  ERR_clear_error();
  while (X509* found = PEM_read_bio_X509(reader.get(), nullptr,
                                         &RefusePassphrase, &was_asked)) {
    certificates.emplace_back(found);
  }
  // That is how the text ends.
  const bool is_at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string error = OpenSslError();
  if (!is_at_end) return Complaint(file, error);
  if (certificates.empty()) return Complaint(file, "holds no certificate");
  return certificates;
}

absl::StatusOr<PrivateKeyPtr> ParsePrivateKey(absl::string_view text,
                                              absl::string_view file) {
  bool was_asked = false;
  ERR_clear_error();
  PrivateKeyPtr key(PEM_read_bio_PrivateKey(Reader(text).get(), nullptr,
                                            &RefusePassphrase, &was_asked));
  const std::string error = OpenSslError();
  if (was_asked) return Complaint(file, "is encrypted");
  if (key == nullptr) {
    return Complaint(file, absl::StrCat("holds no private key: ", error));
  }
  return key;
}

}  // namespace mailcow
