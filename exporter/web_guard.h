// Enforces the web configuration of the Prometheus family: who may ask, how
// often, and over which TLS. A file that is changed counts within seconds.

#ifndef EXPORTER_WEB_GUARD_H_
#define EXPORTER_WEB_GUARD_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/workers.h"
#include "exporter/log.h"
#include "exporter/password_check.h"
#include "exporter/web_rules.h"

struct ssl_ctx_st;

namespace mailcow {

class TlsContext;

// Thread-safe. A request and a handshake read no file: a thread of the guard's
// own does.
class WebGuard {
 public:
  struct Options {
    // How often the files are looked at.
    absl::Duration every = absl::Seconds(1);
    PasswordCheck::Hash hash = &Bcrypt;
  };

  // Where `file` is empty, everybody may pass, over plain HTTP. An error names
  // the file, its line where there is one, and what was wrong.
  static absl::StatusOr<std::unique_ptr<WebGuard>> Load(const std::string& file,
                                                        const Logger& logger) {
    return Load(file, logger, Options());
  }
  static absl::StatusOr<std::unique_ptr<WebGuard>> Load(const std::string& file,
                                                        const Logger& logger,
                                                        const Options& options);
  // Does not wait for a file that hangs.
  ~WebGuard();
  WebGuard(const WebGuard&) = delete;
  WebGuard& operator=(const WebGuard&) = delete;

  // Reads the files now. On an error, which is not logged, what was in force
  // stays so. FailedPrecondition: TLS is turned on or off.
  absl::Status Reload();

  // What to answer instead, with 401, 429 or 503; nothing where the request may
  // pass. `authorization` is the header of that name, where there is one.
  std::optional<Refusal> Refuse(std::optional<absl::string_view> authorization);

  // What every response carries, refusals among them.
  Headers headers() const;
  bool has_tls() const;
  // Whether nobody passes without a password or a certificate that was
  // verified.
  bool authenticates() const;
  // False while the files that stand there are not those in force.
  bool last_reload_successful() const;

  // For CivetWeb's external_ssl_ctx: its connections follow what is in force.
  // Null for plain HTTP. The guard must outlive these.
  ssl_ctx_st* ssl_context() const;

 private:
  struct Shared;

  WebGuard(std::shared_ptr<Shared> shared, std::shared_ptr<TlsContext> tls);

  // What hangs on a file may outlive this object.
  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<TlsContext> tls_;  // null for plain HTTP
  Workers workers_;
};

}  // namespace mailcow

#endif  // EXPORTER_WEB_GUARD_H_
