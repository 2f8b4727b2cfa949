#include "exporter/web_guard.h"

#include <chrono>
#include <future>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "exporter/tls_context.h"
#include "exporter/web_files.h"

namespace mailcow {

// What the thread and the guard have in common: the thread may outlive it.
struct WebGuard::Shared {
  Shared(const std::string& path, const Logger& log, const Options& options)
      : file(path),
        logger(log),
        every(options.every),
        rules(options.hash),
        files(path) {}

  // Null for plain HTTP.
  absl::StatusOr<WebSettings> Read();
  absl::StatusOr<std::shared_ptr<TlsContext>> Begin();
  absl::Status Reload();
  void KeepLooking();

  const std::string file;
  const Logger logger;
  const absl::Duration every;
  WebRules rules;
  WebFiles files;
  bool has_tls = false;
  // The guard's own, or OpenSSL could be gone before a thread that hangs.
  std::weak_ptr<TlsContext> tls;
  // Futures wait by the steady clock.
  std::promise<void> stop;
  const std::shared_future<void> stopped = stop.get_future().share();
  // Held while files are read; never by a request.
  absl::Mutex reload_mutex;
  mutable absl::Mutex mutex;
  absl::Status last ABSL_GUARDED_BY(mutex);
};

// An error names the configuration, beside the file that it names.
absl::StatusOr<WebSettings> WebGuard::Shared::Read() {
  absl::StatusOr<WebSettings> settings = files.Read();
  const absl::Status& status = settings.status();
  if (!status.ok() && !absl::StartsWith(status.message(), file)) {
    return absl::Status(status.code(),
                        absl::StrCat(file, ": ", status.message()));
  }
  return settings;
}

absl::StatusOr<std::shared_ptr<TlsContext>> WebGuard::Shared::Begin() {
  if (file.empty()) return nullptr;
  absl::StatusOr<WebSettings> settings = Read();
  if (!settings.ok()) return settings.status();
  rules.Use(std::move(settings->config));
  if (settings->tls == nullptr) return nullptr;
  auto made = TlsContext::Make(settings->tls);
  if (!made.ok()) return made.status();
  std::shared_ptr<TlsContext> context = *std::move(made);
  has_tls = true;
  tls = context;
  return context;
}

absl::Status WebGuard::Shared::Reload() {
  absl::MutexLock reload_lock(&reload_mutex);
  absl::StatusOr<WebSettings> settings = Read();
  if (settings.ok() && (settings->tls != nullptr) != has_tls) {
    settings = absl::FailedPreconditionError(
        absl::StrCat(file, ": turning TLS on or off takes a restart"));
  }
  absl::Status status = settings.status();
  if (settings.ok()) {
    if (const auto context = tls.lock()) context->Use(settings->tls);
    rules.Use(std::move(settings->config));
  }
  absl::MutexLock lock(&mutex);
  last = status;
  return status;
}

void WebGuard::Shared::KeepLooking() {
  bool was_silent = false;
  while (stopped.wait_for(absl::ToChronoNanoseconds(every)) !=
         std::future_status::ready) {
    if (!files.HaveSettledChange()) continue;
    const absl::Status status = Reload();
    const bool is_silent = absl::IsDeadlineExceeded(status);
    if (status.ok()) {
      logger.Info("web configuration reloaded", {{"file", file}});
    } else if (!is_silent || !was_silent) {
      logger.Error("cannot reload the web configuration",
                   {{"err", status.message()}});
    }
    was_silent = is_silent;
  }
}

absl::StatusOr<std::unique_ptr<WebGuard>> WebGuard::Load(
    const std::string& file, const Logger& logger, const Options& options) {
  auto shared = std::make_shared<Shared>(file, logger, options);
  auto tls = shared->Begin();
  if (!tls.ok()) return tls.status();
  return std::unique_ptr<WebGuard>(
      new WebGuard(std::move(shared), *std::move(tls)));
}

WebGuard::WebGuard(std::shared_ptr<Shared> shared,
                   std::shared_ptr<TlsContext> tls)
    : shared_(std::move(shared)), tls_(std::move(tls)) {
  if (shared_->file.empty()) return;
  workers_.Run([shared = shared_] { shared->KeepLooking(); });
}

WebGuard::~WebGuard() { shared_->stop.set_value(); }

absl::Status WebGuard::Reload() {
  return shared_->file.empty() ? absl::OkStatus() : shared_->Reload();
}

std::optional<Refusal> WebGuard::Refuse(
    std::optional<absl::string_view> authorization) {
  return shared_->rules.Refuse(authorization);
}

Headers WebGuard::headers() const { return shared_->rules.headers(); }

bool WebGuard::has_tls() const { return tls_ != nullptr; }

bool WebGuard::authenticates() const { return shared_->rules.authenticate(); }

bool WebGuard::last_reload_successful() const {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->last.ok();
}

ssl_ctx_st* WebGuard::ssl_context() const {
  return tls_ == nullptr ? nullptr : tls_->get();
}

}  // namespace mailcow
