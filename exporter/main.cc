// The program: serve, check or list.

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "collectors/bounded_wait.h"
#include "collectors/dns_wanted.h"
#include "collectors/dns_zone.h"
#include "exporter/check.h"
#include "exporter/current_survey.h"
#include "exporter/exposition.h"
#include "exporter/human.h"
#include "exporter/list.h"
#include "exporter/listen_address.h"
#include "exporter/log.h"
#include "exporter/options.h"
#include "exporter/reloader.h"
#include "exporter/scraper.h"
#include "exporter/self_metrics.h"
#include "exporter/server.h"
#include "exporter/site.h"
#include "exporter/socket_owner.h"
#include "exporter/sources.h"
#include "exporter/survey.h"
#include "exporter/version.h"
#include "exporter/web_guard.h"

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

// What a scrape takes at most on most hosts.
constexpr size_t kUsualBytes = size_t{48} << 10;

// How long requests that are under way may go on once the program is to end.
constexpr absl::Duration kEndPatience = absl::Milliseconds(500);

void Print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// The signals that Serve() waits for.
sigset_t AwaitedSignals() {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&awaited, number);
  }
  return awaited;
}

// Ends without a word to the threads that wait for a party which is silent:
// they must not meet what exit(3) tears down.
[[noreturn]] void End(int status) {
  std::fflush(nullptr);
  _exit(status);
}

// Who can reach the exporter may read what it knows of the host.
void WarnOfStrangers(const Options& options, const WebGuard& guard,
                     const Logger& logger) {
  if (guard.authenticates() ||
      std::all_of(options.listen_addresses.begin(),
                  options.listen_addresses.end(), IsLoopback)) {
    return;
  }
  logger.Warn("everybody who can reach this address may read what is served",
              {{"remedy",
                "name a file with basic_auth_users in --web.config.file, or "
                "listen on 127.0.0.1"}});
}

// Returns the signal that ends the program.
int AwaitEnd(Reloader& reloader) {
  // A reload may take seconds, in which the program must be able to end.
  Workers workers;
  const sigset_t awaited = AwaitedSignals();
  for (;;) {
    int number = 0;
    sigwait(&awaited, &number);
    if (number != SIGHUP) return number;
    workers.Run([&reloader] { reloader.Reload().IgnoreError(); });
  }
}

// As the host has it; empty where that cannot be read.
std::string HostName(const Files& files) {
  const std::string name = files.Read("/etc/hostname").value_or("");
  return std::string(absl::StripAsciiWhitespace(name));
}

[[noreturn]] void Serve(const Host& host, const Sources& sources,
                        const Options& options, Reloader::Parse parse,
                        Logger& logger) {
  const auto guard = WebGuard::Load(options.web_config_file, logger);
  if (!guard.ok()) {
    logger.Error("cannot use --web.config.file",
                 {{"err", guard.status().message()}});
    End(kStartFailed);
  }
  if (sources.watch != nullptr) sources.watch->AwaitFirst(kDockerPatience);
  CurrentSurvey survey(host);
  survey.Begin(options.settings, options.topics, kServePatience);
  Reloader reloader(std::move(parse), options, survey, **guard, logger);
  Exposition exposition;
  const SelfMetrics self;
  Scraper scraper(
      [&](const Topics& topics) {
        std::string text;
        text.reserve(kUsualBytes);
        exposition.Append(survey.Take(topics), text);
        reloader.Append(text);
        self.Append(text);
        return text;
      },
      options.max_requests);
  const Site site(
      {.telemetry_path = options.telemetry_path,
       .host_name = HostName(host.files),
       .topics = [&survey] { return survey.topics(); },
       .scrape =
           [&scraper](const Topics& topics, absl::Duration patience) {
             return scraper.Scrape(topics, patience);
           },
       .report = [&survey] { return survey.Take(); },
       .reload = [&reloader] { return reloader.Reload(); }});
  auto server = Server::Start(options.listen_addresses, site, **guard);
  if (!server.ok()) {
    logger.Error("cannot serve", {{"err", server.status().message()}});
    End(kStartFailed);
  }
  WarnOfStrangers(options, **guard, logger);
  const std::vector<uint16_t> ports = (*server)->ports();
  for (size_t i = 0; i < ports.size(); ++i) {
    logger.Info("listening", {{"address", options.listen_addresses[i]},
                              {"port", absl::StrCat(ports[i])},
                              {"path", options.telemetry_path},
                              {"version", kVersion}});
  }
  const int signal_number = AwaitEnd(reloader);
  (*server)->AwaitIdle(kEndPatience);
  logger.Info("ending", {{"signal", sigabbrev_np(signal_number)}});
  End(0);
}

// Checks the configuration files; returns the exit status.
int CheckConfiguration(const Options& options, const Logger& logger) {
  const auto guard = WebGuard::Load(options.web_config_file, logger);
  if (!guard.ok()) {
    std::fputs(absl::StrCat("mailcow_host_exporter: ",
                            Printable(guard.status().message()), "\n")
                   .c_str(),
               stderr);
    return kUsageError;
  }
  Print("the configuration is valid\n");
  return 0;
}

// The zone that the host and its domains should have; returns the exit status.
int PrintZone(const Options& options, const Host& host) {
  const absl::StatusOr<std::optional<DnsWanted>> wanted = ReadDnsWanted(
      options.settings.dns, options.settings.mailcow_directory, host);
  if (wanted.ok() && wanted->has_value()) {
    Print(ZoneText(**wanted));
    return 0;
  }
  const std::string why = wanted.ok()
                              ? "no hostname is known: --dns.hostname names it"
                              : std::string(wanted.status().message());
  std::fputs(
      absl::StrCat("mailcow_host_exporter: ", Printable(why), "\n").c_str(),
      stderr);
  return kUsageError;
}

int Main(int argc, const char* const* argv) {
  const ParsedOptions parsed = ParseOptions(argc, argv);
  if (!parsed.options.has_value()) {
    std::fputs(parsed.message.c_str(),
               parsed.exit_status == 0 ? stdout : stderr);
    return parsed.exit_status;
  }
  const Options& options = *parsed.options;
  Logger logger(options.log_level, options.log_format);
  if (options.config_check) return CheckConfiguration(options, logger);
  const Files files(options.roots);
  const Collectors collectors =
      ChosenCollectors(options.settings, options.topics);
  if (options.command == Command::kList) {
    Print(RenderList(collectors));
    return 0;
  }
  const bool is_check = options.command == Command::kCheck;
  if (!is_check) {
    // Every thread inherits this.
    const sigset_t awaited = AwaitedSignals();
    pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  }
  signal(SIGPIPE, SIG_IGN);
  const bool asks_docker =
      std::any_of(options.topics.begin(), options.topics.end(), AsksDocker);
  const absl::StatusOr<Sources> sources =
      options.recording.empty()
          ? RealSources(files, asks_docker ? options.docker_socket : "",
                        is_check ? kCheckPatience : SocketOwners::kPatience,
                        options.ntp_interval,
                        {.resolvers = options.dns_resolvers,
                         .trusted = options.dns_trusted_resolvers,
                         .every = options.dns_interval})
          : RecordedSources(options.recording);
  if (!sources.ok()) {
    logger.Error(
        "cannot use --path.recording",
        {{"file", options.recording}, {"err", sources.status().message()}});
    return is_check ? kUsageError : kStartFailed;
  }
  const ProcessNames processes(files);
  const Host host{.files = files,
                  .kernel = *sources->kernel,
                  .docker = *sources->docker,
                  .bus = *sources->bus,
                  .time_servers = *sources->time_servers,
                  .dns = *sources->dns,
                  .processes = processes};
  if (options.dns_zone) return PrintZone(options, host);
  // Neither returns: topics that hang go on using what stands here.
  if (is_check) End(Check(collectors, host, *sources, options.format));
  Serve(
      host, *sources, options,
      [argc, argv, own = Files(Files::Roots{})] {
        return ParseOptions(argc, argv, own);
      },
      logger);
}

}  // namespace
}  // namespace mailcow

int main(int argc, char** argv) {
  // Dozens of threads take turns at a little work: an arena for each would cost
  // more memory than all of them use.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  // Debian's abseil looks for deadlocks at each lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  mailcow::End(mailcow::Main(argc, argv));
}
