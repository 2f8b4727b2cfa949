#include "exporter/web_rules.h"

#include "exporter/basic_auth.h"
#include "exporter/token_bucket.h"

namespace mailcow {
namespace {

bool AreEqual(const std::optional<RateLimit>& one,
              const std::optional<RateLimit>& other) {
  if (!one.has_value() || !other.has_value()) {
    return one.has_value() == other.has_value();
  }
  return one->burst == other->burst && one->interval == other->interval;
}

Refusal Unauthorized() {
  return {401, "Unauthorized\n", {{"WWW-Authenticate", "Basic"}}};
}

}  // namespace

struct WebRules::InForce {
  WebConfig config;
  std::shared_ptr<TokenBucket> bucket;  // null where there is no limit
};

std::shared_ptr<const WebRules::InForce> WebRules::Latest() const {
  absl::MutexLock lock(&mutex_);
  return in_force_;
}

void WebRules::Use(WebConfig config) {
  auto next = std::make_shared<InForce>();
  absl::MutexLock lock(&mutex_);
  if (in_force_ != nullptr &&
      AreEqual(config.rate_limit, in_force_->config.rate_limit)) {
    next->bucket = in_force_->bucket;
  } else if (config.rate_limit.has_value()) {
    next->bucket = std::make_shared<TokenBucket>(*config.rate_limit);
  }
  next->config = std::move(config);
  in_force_ = std::move(next);
}

std::optional<Refusal> WebRules::Refuse(
    std::optional<absl::string_view> authorization) {
  const std::shared_ptr<const InForce> now = Latest();
  if (now == nullptr) return std::nullopt;
  if (now->bucket != nullptr && !now->bucket->Take()) {
    return Refusal{429, "Too Many Requests\n", {}};
  }
  const auto& users = now->config.basic_auth_users;
  if (users.empty()) return std::nullopt;
  const auto credentials = ParseBasicAuth(authorization.value_or(""));
  if (!credentials.has_value()) return Unauthorized();
  switch (passwords_.Check(users, *credentials)) {
    case PasswordCheck::Verdict::kRight:
      return std::nullopt;
    case PasswordCheck::Verdict::kWrong:
      return Unauthorized();
    case PasswordCheck::Verdict::kBusy:
      break;
  }
  return Refusal{503, "Service Unavailable\n", {{"Retry-After", "1"}}};
}

Headers WebRules::headers() const {
  const std::shared_ptr<const InForce> now = Latest();
  return now == nullptr ? Headers() : now->config.headers;
}

bool WebRules::authenticate() const {
  const std::shared_ptr<const InForce> now = Latest();
  if (now == nullptr) return false;
  const std::optional<TlsSettings>& tls = now->config.tls;
  return !now->config.basic_auth_users.empty() ||
         (tls.has_value() &&
          tls->client_auth == ClientAuth::kRequireAndVerifyClientCert);
}

}  // namespace mailcow
