// What the program is told to do: by its command line, and by the configuration
// file that the command line names.

#ifndef EXPORTER_OPTIONS_H_
#define EXPORTER_OPTIONS_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "collectors/all.h"
#include "collectors/files.h"
#include "exporter/log.h"

namespace mailcow {

enum class Command { kServe, kCheck, kList };
enum class CheckFormat { kText, kJson, kNagios };

struct Options {
  Command command = Command::kServe;
  CheckFormat format = CheckFormat::kText;
  // Check the configuration files and exit.
  bool config_check = false;
  std::string config_file;  // empty where there is none
  std::vector<std::string> listen_addresses = {"127.0.0.1:9025"};
  std::string telemetry_path = "/metrics";
  // TLS and basic authentication; empty where there is none. Not read here.
  std::string web_config_file;
  int max_requests = 40;  // scrapes at the same time; 0 is without limit
  Files::Roots roots;
  // A file of recorded answers instead of those of kernel, Docker, systemd and
  // time servers; empty for the real ones.
  std::string recording;
  std::string docker_socket = "/var/run/docker.sock";
  // No time server is asked more than once in this time.
  absl::Duration ntp_interval = absl::Minutes(5);
  // Asked instead of those of resolv.conf.
  std::vector<std::string> dns_resolvers;
  // Believed when they say that DNSSEC proves an answer, as those on loopback.
  std::vector<std::string> dns_trusted_resolvers;
  // Nothing is asked of DNS more than once in this time.
  absl::Duration dns_interval = absl::Minutes(5);
  // For check: print the records that should be, instead.
  bool dns_zone = false;
  Settings settings;
  Topics topics;  // those that are asked
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

// Either options, or what to print and the status to exit with: 0 for help and
// version on stdout, 2 for a mistake on stderr.
struct ParsedOptions {
  std::optional<Options> options;
  std::string message;
  int exit_status = 0;
};

// Reads the configuration file anew each time. What the command line names wins
// over what the file says.
// `own` as in ReadConfigFile().
ParsedOptions ParseOptions(int argc, const char* const* argv,
                           const Files& own = Files(Files::Roots{}));

// The flags, without dashes, that the two differ in and that count from the
// start of the program to its end. Topics, limits, what topics ask and the
// least severity to log can change in between.
std::vector<std::string> NeedRestart(const Options& before,
                                     const Options& after);

}  // namespace mailcow

#endif  // EXPORTER_OPTIONS_H_
