// Reads keys and certificates from text in PEM.

#ifndef EXPORTER_PEM_H_
#define EXPORTER_PEM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_pkey_st;
struct x509_st;

namespace mailcow {

struct OpenSslDeleter {
  void operator()(x509_st* certificate) const;
  void operator()(evp_pkey_st* key) const;
};
using CertificatePtr = std::unique_ptr<x509_st, OpenSslDeleter>;
using PrivateKeyPtr = std::unique_ptr<evp_pkey_st, OpenSslDeleter>;

// What OpenSSL complained of first on this thread, in its own words; forgets
// it.
std::string OpenSslError();

// All certificates in their order, at least one. InvalidArgument begins with
// `file`.
absl::StatusOr<std::vector<CertificatePtr>> ParseCertificates(
    absl::string_view text, absl::string_view file);

// The first private key. InvalidArgument where there is none, or where it is
// encrypted.
absl::StatusOr<PrivateKeyPtr> ParsePrivateKey(absl::string_view text,
                                              absl::string_view file);

}  // namespace mailcow

#endif  // EXPORTER_PEM_H_
