#include "exporter/reloader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "exporter/clock_steps.h"
#include "exporter/exposition.h"

namespace mailcow {
namespace {

// Findings of a moment ago may be replaced by none for no longer than this.
constexpr absl::Duration kPatience = absl::Seconds(5);

// One that is under way, and one that sees what has changed since it began.
constexpr int kMaxWaiting = 2;

bool AskDocker(const Options& options) {
  return std::any_of(options.topics.begin(), options.topics.end(), AsksDocker);
}

}  // namespace

Reloader::Reloader(Parse parse, Options options, CurrentSurvey& survey,
                   WebGuard& guard, Logger& logger)
    : parse_(std::move(parse)),
      survey_(survey),
      guard_(guard),
      logger_(logger),
      successful_(SampleText::WithHead(Gauge(
          "mailcow_host_exporter_config_last_reload_successful",
          "Whether the configuration files are those in force", {{{}, 0}}))),
      success_timestamp_(SampleText::WithHead(Gauge(
          "mailcow_host_exporter_config_last_reload_success_timestamp_seconds",
          "When the configuration was last read without an error, in seconds "
          "since the Unix epoch",
          {{{}, 0}}))),
      options_(std::move(options)),
      last_success_(TimeOfDay()) {}

absl::Status Reloader::TryReload() {
  ParsedOptions parsed = parse_();
  if (!parsed.options.has_value()) {
    return absl::InvalidArgumentError(absl::StripSuffix(parsed.message, "\n"));
  }
  const std::vector<std::string> fixed = NeedRestart(options_, *parsed.options);
  if (!fixed.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "it takes a restart to change ", absl::StrJoin(fixed, ", ")));
  }
  if (AskDocker(*parsed.options) && !AskDocker(options_)) {
    return absl::FailedPreconditionError(
        "it takes a restart to begin to ask Docker");
  }
  options_ = *std::move(parsed.options);
  logger_.SetLevel(options_.log_level);
  survey_.Begin(options_.settings, options_.topics, kPatience);
  return absl::OkStatus();
}

absl::Status Reloader::Reload() {
  const absl::Cleanup leave = [this] { --waiting_; };
  if (++waiting_ > kMaxWaiting) {
    return absl::UnavailableError("a reload is under way");
  }
  absl::MutexLock reloading(&reloading_);
  const absl::Status config = TryReload();
  const absl::Status web = guard_.Reload();
  for (const absl::Status& status : {config, web}) {
    if (status.ok()) continue;
    logger_.Error("configuration not reloaded, the old one stays in force",
                  {{"err", status.message()}});
  }
  const bool are_ok = config.ok() && web.ok();
  if (are_ok) logger_.Info("configuration reloaded");
  absl::MutexLock lock(&mutex_);
  was_successful_ = config.ok();
  if (are_ok) last_success_ = TimeOfDay();
  return config.ok() ? web : config;
}

void Reloader::Append(std::string& out) const {
  absl::MutexLock lock(&mutex_);
  const bool is_current = was_successful_ && guard_.last_reload_successful();
  successful_.Append(is_current ? 1 : 0, out);
  success_timestamp_.Append(
      absl::ToDoubleSeconds(last_success_ - absl::UnixEpoch()), out);
}

}  // namespace mailcow
