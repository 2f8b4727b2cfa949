// The program: serve, check or list.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "exporter/exposition.h"
#include "exporter/json.h"
#include "exporter/linux_host.h"
#include "exporter/list.h"
#include "exporter/log.h"
#include "exporter/nagios.h"
#include "exporter/options.h"
#include "exporter/recorded_kernel.h"
#include "exporter/self_metrics.h"
#include "exporter/server.h"
#include "exporter/site.h"
#include "exporter/survey.h"
#include "exporter/text.h"
#include "exporter/text_format.h"
#include "exporter/version.h"

namespace mailcow {
namespace {

constexpr int kStartFailed = 1;
// For `check`, 1 is a verdict.
constexpr int kUsageError = 2;

absl::StatusOr<std::unique_ptr<Kernel>> MakeKernel(const Options& options,
                                                   const Files& files) {
  if (options.kernel_recording.empty()) {
    return std::make_unique<LinuxKernel>(files);
  }
  const Files own{Files::Roots{}};
  const absl::StatusOr<std::string> text = own.Read(options.kernel_recording);
  if (!text.ok()) return text.status();
  absl::StatusOr<RecordedKernel> kernel = RecordedKernel::Parse(*text);
  if (!kernel.ok()) return kernel.status();
  return std::make_unique<RecordedKernel>(*std::move(kernel));
}

Collectors ChosenCollectors(const Options& options) {
  Collectors chosen;
  for (auto& collector : AllCollectors(options.settings)) {
    if (options.topics.count(std::string(collector->topic())) == 1) {
      chosen.push_back(std::move(collector));
    }
  }
  return chosen;
}

bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 &&
         (no_color == nullptr || *no_color == '\0');
}

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int Check(const Collectors& collectors, const Host& host, CheckFormat format) {
  const Report report = SurveyOnce(collectors, host);
  switch (format) {
    case CheckFormat::kText:
      Print(RenderText(report, WantsColor()));
      break;
    case CheckFormat::kJson:
      Print(RenderJson(report));
      break;
    case CheckFormat::kNagios:
      Print(RenderNagios(report));
      break;
  }
  return CheckExitStatus(Count(RowsOf(report)));
}

std::string RenderMetrics(Survey& survey) {
  std::vector<prometheus::MetricFamily> families = FamiliesOf(survey.Take());
  for (prometheus::MetricFamily& family : SelfFamilies()) {
    families.push_back(std::move(family));
  }
  return TextFormat().Serialize(families);
}

int Serve(const Collectors& collectors, const Host& host,
          const Options& options, const Logger& logger) {
  // Every thread inherits this: the signals are for sigwait() below.
  sigset_t endings;
  sigemptyset(&endings);
  sigaddset(&endings, SIGTERM);
  sigaddset(&endings, SIGINT);
  pthread_sigmask(SIG_BLOCK, &endings, nullptr);
  signal(SIGPIPE, SIG_IGN);

  Survey survey(collectors, host);
  // A signal meanwhile waits; it may not wait for long.
  survey.AwaitFirstFindings(absl::Milliseconds(500));
  const Site site(options.telemetry_path,
                  [&survey] { return RenderMetrics(survey); });
  const auto server = Server::Start(options.listen_addresses, site);
  if (!server.ok()) {
    logger.Error("cannot serve", {{"err", server.status().message()}});
    return kStartFailed;
  }
  const std::vector<uint16_t> ports = (*server)->ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    logger.Info("listening", {{"address", options.listen_addresses[i]},
                              {"port", absl::StrCat(ports[i])},
                              {"path", options.telemetry_path},
                              {"version", kVersion}});
  }
  int signal_number = 0;
  sigwait(&endings, &signal_number);
  logger.Info("ending", {{"signal", sigabbrev_np(signal_number)}});
  return 0;
}

int Main(int argc, const char* const* argv) {
  const ParsedOptions parsed = ParseOptions(argc, argv);
  if (!parsed.options.has_value()) {
    std::fputs(parsed.message.c_str(),
               parsed.exit_status == 0 ? stdout : stderr);
    return parsed.exit_status;
  }
  const Options& options = *parsed.options;
  const Logger logger(options.log_level, options.log_format);
  const Files files(options.roots);
  const auto kernel = MakeKernel(options, files);
  if (!kernel.ok()) {
    logger.Error("cannot use --path.kernel",
                 {{"file", options.kernel_recording},
                  {"err", kernel.status().message()}});
    return options.command == Command::kCheck ? kUsageError : kStartFailed;
  }
  const Host host{.files = files, .kernel = **kernel};
  const Collectors collectors = ChosenCollectors(options);
  switch (options.command) {
    case Command::kServe:
      return Serve(collectors, host, options, logger);
    case Command::kCheck:
      return Check(collectors, host, options.format);
    case Command::kList:
      Print(RenderList(collectors));
      return 0;
  }
  return kStartFailed;
}

}  // namespace
}  // namespace mailcow

int main(int argc, char** argv) { return mailcow::Main(argc, argv); }
