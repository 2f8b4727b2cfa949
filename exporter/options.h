// The command line.

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
  std::vector<std::string> listen_addresses = {"127.0.0.1:9025"};
  std::string telemetry_path = "/metrics";
  Files::Roots roots;
  // A file of recorded answers instead of those of kernel, Docker, systemd and
  // time servers; empty for the real ones.
  std::string recording;
  std::string docker_socket = "/var/run/docker.sock";
  // No time server is asked more than once in this time.
  absl::Duration ntp_interval = absl::Minutes(5);
  Settings settings;
  std::set<std::string> topics;  // those that are asked
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
ParsedOptions ParseOptions(int argc, const char* const* argv);

}  // namespace mailcow

#endif  // EXPORTER_OPTIONS_H_
