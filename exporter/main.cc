// The program: serve, check or list.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/bounded_wait.h"
#include "exporter/check.h"
#include "exporter/exposition.h"
#include "exporter/list.h"
#include "exporter/log.h"
#include "exporter/options.h"
#include "exporter/self_metrics.h"
#include "exporter/server.h"
#include "exporter/site.h"
#include "exporter/socket_owner.h"
#include "exporter/sources.h"
#include "exporter/survey.h"
#include "exporter/text_format.h"
#include "exporter/version.h"

namespace mailcow {
namespace {

constexpr int kStartFailed = 1;
// For `check`, 1 is a verdict.
constexpr int kUsageError = 2;

// A signal that comes while we wait for the first findings has to wait too. A
// disk that does not answer is itself a finding, after kDiskDeadline.
constexpr absl::Duration kDockerPatience = absl::Milliseconds(400);
constexpr absl::Duration kServePatience = absl::Milliseconds(600);
static_assert(kServePatience > kDiskDeadline);

Collectors ChosenCollectors(const Options& options) {
  Collectors chosen;
  for (auto& collector : AllCollectors(options.settings)) {
    if (options.topics.count(std::string(collector->topic())) == 1) {
      chosen.push_back(std::move(collector));
    }
  }
  return chosen;
}

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string RenderMetrics(Survey& survey) {
  std::vector<prometheus::MetricFamily> families = FamiliesOf(survey.Take());
  for (prometheus::MetricFamily& family : SelfFamilies()) {
    families.push_back(std::move(family));
  }
  return TextFormat().Serialize(families);
}

// The signals that Serve() waits for.
sigset_t Endings() {
  sigset_t endings;
  sigemptyset(&endings);
  sigaddset(&endings, SIGTERM);
  sigaddset(&endings, SIGINT);
  return endings;
}

// Ends without a word to the threads that wait for a party which is silent:
// they must not meet what exit(3) tears down.
[[noreturn]] void End(int status) {
  std::fflush(nullptr);
  _exit(status);
}

[[noreturn]] void Serve(const Collectors& collectors, const Host& host,
                        const Sources& sources, const Options& options,
                        const Logger& logger) {
  if (sources.watch != nullptr) sources.watch->AwaitFirst(kDockerPatience);
  Survey survey(collectors, host);
  survey.AwaitFirstFindings(kServePatience);
  const Site site(options.telemetry_path,
                  [&survey] { return RenderMetrics(survey); });
  auto server = Server::Start(options.listen_addresses, site);
  if (!server.ok()) {
    logger.Error("cannot serve", {{"err", server.status().message()}});
    End(kStartFailed);
  }
  const std::vector<uint16_t> ports = (*server)->ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    logger.Info("listening", {{"address", options.listen_addresses[i]},
                              {"port", absl::StrCat(ports[i])},
                              {"path", options.telemetry_path},
                              {"version", kVersion}});
  }
  const sigset_t endings = Endings();
  int signal_number = 0;
  sigwait(&endings, &signal_number);
  server->reset();
  logger.Info("ending", {{"signal", sigabbrev_np(signal_number)}});
  End(0);
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
  const Collectors collectors = ChosenCollectors(options);
  if (options.command == Command::kList) {
    Print(RenderList(collectors));
    return 0;
  }
  const bool is_check = options.command == Command::kCheck;
  if (!is_check) {
    // Every thread inherits this.
    const sigset_t endings = Endings();
    pthread_sigmask(SIG_BLOCK, &endings, nullptr);
  }
  signal(SIGPIPE, SIG_IGN);
  const bool asks_docker =
      std::any_of(options.topics.begin(), options.topics.end(), AsksDocker);
  const absl::StatusOr<Sources> sources =
      options.recording.empty()
          ? RealSources(files, asks_docker ? options.docker_socket : "",
                        is_check ? kCheckPatience : SocketOwners::kPatience,
                        options.ntp_interval)
          : RecordedSources(options.recording);
  if (!sources.ok()) {
    logger.Error(
        "cannot use --path.recording",
        {{"file", options.recording}, {"err", sources.status().message()}});
    return is_check ? kUsageError : kStartFailed;
  }
  const Host host{.files = files,
                  .kernel = *sources->kernel,
                  .docker = *sources->docker,
                  .bus = *sources->bus,
                  .time_servers = *sources->time_servers};
  // Neither returns: topics that hang go on using what stands here.
  if (is_check) End(Check(collectors, host, *sources, options.format));
  Serve(collectors, host, *sources, options, logger);
}

}  // namespace
}  // namespace mailcow

int main(int argc, char** argv) { mailcow::End(mailcow::Main(argc, argv)); }
