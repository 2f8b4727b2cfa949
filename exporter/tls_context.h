// The TLS context that a server holds on to while what it follows changes.

#ifndef EXPORTER_TLS_CONTEXT_H_
#define EXPORTER_TLS_CONTEXT_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "exporter/tls_terms.h"

struct ssl_ctx_st;
struct ssl_st;

namespace mailcow {

// Thread-safe. Every handshake begins anew: a session that were resumed would
// outlive the rules by which its client was let in.
class TlsContext {
 public:
  // Internal where OpenSSL refuses.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Make(
      std::shared_ptr<const TlsTerms> terms);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Counts from the next handshake on.
  void Use(std::shared_ptr<const TlsTerms> terms);

  // For SSL_new(); this object must outlive what is made of it.
  ssl_ctx_st* get() const { return context_; }

 private:
  TlsContext(ssl_ctx_st* context, std::shared_ptr<const TlsTerms> terms);
  static int OnClientHello(ssl_st* ssl, int* alert, void* self);

  ssl_ctx_st* const context_;
  absl::Mutex mutex_;
  std::shared_ptr<const TlsTerms> terms_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailcow

#endif  // EXPORTER_TLS_CONTEXT_H_
