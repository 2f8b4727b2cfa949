#include "exporter/flags.h"

#include <cmath>
#include <map>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "collectors/dns_name.h"
#include "collectors/ip_address.h"
#include "collectors/time_server.h"
#include "exporter/dns_resolver.h"
#include "exporter/listen_address.h"

namespace mailcow {
namespace {

const std::map<std::string, Command> kCommands = {{"serve", Command::kServe},
                                                  {"check", Command::kCheck},
                                                  {"list", Command::kList}};
const std::map<std::string, CheckFormat> kFormats = {
    {"text", CheckFormat::kText},
    {"json", CheckFormat::kJson},
    {"nagios", CheckFormat::kNagios}};
const std::map<std::string, LogLevel> kLogLevels = {
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},
    {"error", LogLevel::kError}};
const std::map<std::string, LogFormat> kLogFormats = {
    {"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}};

// One of the words of `table`.
template <typename Value>
CLI::Option* AddChoice(CLI::App& app, const std::string& name, Value& value,
                       const std::map<std::string, Value>& table,
                       const std::string& words, const std::string& text) {
  return app
      .add_option_function<std::string>(
          name,
          [&value, &table](const std::string& word) { value = table.at(word); },
          text)
      ->check([&table, words](const std::string& word) {
        return table.count(word) == 1
                   ? std::string()
                   : absl::StrCat("\"", word, "\" is none of ", words);
      })
      ->type_name(words);
}

std::string CheckAbsolutePath(const std::string& path) {
  return absl::StartsWith(path, "/")
             ? ""
             : absl::StrCat("\"", path, "\" is not an absolute path");
}

std::string CheckDirectory(const std::string& path) {
  const std::string complaint = CheckAbsolutePath(path);
  return complaint.empty() ? CLI::ExistingDirectory(path) : complaint;
}

std::string CheckAddress(const std::string& address) {
  return std::string(CheckListenAddress(address).message());
}

std::string CheckTimeServer(const std::string& server) {
  return std::string(ParseTimeServer(server).status().message());
}

std::string CheckDnsName(const std::string& name) {
  return std::string(NormalizeDnsName(name).status().message());
}

std::string CheckIpAddress(const std::string& address) {
  return std::string(ParseIpAddress(address).status().message());
}

std::string CheckResolver(const std::string& resolver) {
  return std::string(ParseDnsResolver(resolver).status().message());
}

std::string CheckCount(const std::string& word) {
  int count = 0;
  return absl::SimpleAtoi(word, &count) && count >= 0
             ? ""
             : absl::StrCat("\"", word, "\" is not a number from 0 on");
}

std::optional<absl::Duration> ParseSeconds(const std::string& word) {
  double seconds = 0;
  if (!absl::SimpleAtod(word, &seconds) || !std::isfinite(seconds)) {
    return std::nullopt;
  }
  return absl::Seconds(seconds);
}

void AddServeFlags(CLI::App& app, Options& options) {
  app.add_option("--web.listen-address", options.listen_addresses,
                 absl::StrCat("Address to serve on; repeatable, IPv6 in "
                              "brackets [",
                              options.listen_addresses.front(), "]"))
      ->allow_extra_args(false)
      ->check(CheckAddress)
      ->type_name("ADDRESS:PORT")
      ->group("Serving");
  app.add_option(
         "--web.telemetry-path", options.telemetry_path,
         absl::StrCat("Path of the metrics [", options.telemetry_path, "]"))
      ->check(CheckAbsolutePath)
      ->type_name("PATH")
      ->group("Serving");
  app.add_option("--web.config.file", options.web_config_file,
                 "File of TLS and basic authentication, in the format of "
                 "Prometheus' exporters")
      ->type_name("PATH")
      ->group("Serving");
  app.add_option("--web.max-requests", options.max_requests,
                 absl::StrCat("Scrapes at the same time; 0 is without limit [",
                              options.max_requests, "]"))
      ->check(CheckCount)
      ->type_name("N")
      ->group("Serving");
}

void AddConfigFlags(CLI::App& app, Options& options) {
  app.add_option("--config.file", options.config_file,
                 "File of flags and limits (YAML)")
      ->type_name("PATH")
      ->group("Configuration");
  app.add_flag("--config.check", options.config_check,
               "Check the configuration files and exit")
      ->group("Configuration");
}

void AddHostFlags(CLI::App& app, Options& options) {
  const auto add = [&app](const std::string& name, std::string& value,
                          const std::string& text,
                          std::string (*check)(const std::string&)) {
    return app.add_option(name, value, text)
        ->check(check)
        ->type_name("PATH")
        ->group("Where to look");
  };
  add("--path.rootfs", options.roots.root, "Root of the host's files [/]",
      CheckDirectory);
  add("--path.procfs", options.roots.proc, "The host's procfs [ROOTFS/proc]",
      CheckDirectory);
  add("--path.sysfs", options.roots.sys, "The host's sysfs [ROOTFS/sys]",
      CheckDirectory);
  add("--path.recording", options.recording,
      "Recorded answers of kernel, Docker, systemd and time servers (JSON), "
      "for tests",
      CheckAbsolutePath);
  add("--mailcow.dir", options.settings.mailcow_directory,
      absl::StrCat("Directory of mailcow.conf [",
                   options.settings.mailcow_directory, "]"),
      CheckAbsolutePath);
  add("--docker.socket", options.docker_socket,
      absl::StrCat("Docker's socket, as it stands on the host [",
                   options.docker_socket, "]"),
      CheckAbsolutePath);
  app.add_option("--disk.path", options.settings.disk_paths,
                 "Path to watch beside Docker's data root; repeatable")
      ->allow_extra_args(false)
      ->check(CheckAbsolutePath)
      ->type_name("PATH")
      ->group("Where to look");
}

// A flag that takes seconds, and no fewer than `least`.
CLI::Option* AddSeconds(CLI::App& app, const std::string& name,
                        absl::Duration& value, absl::Duration least,
                        const std::string& text) {
  return app
      .add_option_function<std::string>(
          name,
          [&value](const std::string& word) { value = *ParseSeconds(word); },
          absl::StrCat(text, " [", absl::ToDoubleSeconds(value), "]"))
      ->check([least](const std::string& word) {
        const std::optional<absl::Duration> seconds = ParseSeconds(word);
        if (seconds.has_value() && *seconds >= least) return std::string();
        return absl::StrCat("\"", word, "\" is not a number of seconds from ",
                            absl::ToDoubleSeconds(least), " on");
      })
      ->type_name("SECONDS");
}

void AddNtpFlags(CLI::App& app, Options& options) {
  app.add_option("--ntp.server", options.settings.time_servers.servers,
                 "Time server to ask, repeatable [those of the host's time "
                 "daemon]")
      ->allow_extra_args(false)
      ->check(CheckTimeServer)
      ->type_name("HOST[:PORT]")
      ->group("Time servers");
  AddSeconds(app, "--ntp.interval", options.ntp_interval, absl::Seconds(1),
             "Ask none more often than that")
      ->group("Time servers");
  AddSeconds(app, "--ntp.max-offset", options.settings.time_servers.max_offset,
             absl::Milliseconds(1), "Offset at which the clock is not accurate")
      ->group("Time servers");
}

// A flag that takes one word each time, and may be given several times.
template <typename Check>
void AddDnsList(CLI::App& app, const std::string& name,
                std::vector<std::string>& words, const Check& check,
                const std::string& type, const std::string& text) {
  app.add_option(name, words, text)
      ->allow_extra_args(false)
      ->check(check)
      ->type_name(type)
      ->group("DNS");
}

void AddDnsFlags(CLI::App& app, Options& options) {
  DnsSettings& dns = options.settings.dns;
  app.add_option("--dns.hostname", dns.hostname,
                 "Name of the mail host [MAILCOW_HOSTNAME of mailcow.conf]")
      ->check(CheckDnsName)
      ->type_name("NAME")
      ->group("DNS");
  AddDnsList(app, "--dns.domain", dns.domains, CheckDnsName, "NAME",
             "Domain it takes mail for, repeatable [the parent of its name]");
  AddDnsList(app, "--dns.public-address", dns.public_addresses, CheckIpAddress,
             "ADDRESS",
             "Address it is reached at, repeatable [the public ones of its "
             "interfaces]");
  AddDnsList(app, "--dns.blocklist", dns.blocklists, CheckDnsName, "NAME",
             "Blocklist to look its addresses up in, repeatable");
  AddDnsList(app, "--dns.resolver", options.dns_resolvers, CheckResolver,
             "ADDRESS[:PORT]", "Resolver to ask, repeatable [resolv.conf]");
  AddDnsList(app, "--dns.trusted-resolver", options.dns_trusted_resolvers,
             CheckResolver, "ADDRESS[:PORT]",
             "Resolver that is believed on DNSSEC, repeatable [those on "
             "loopback]");
  AddSeconds(app, "--dns.interval", options.dns_interval, absl::Seconds(1),
             "Ask nothing more often than that")
      ->group("DNS");
  app.add_flag("--dns.zone", options.dns_zone,
               "Print the records that should be, and exit")
      ->group("Checking");
}

void AddLogFlags(CLI::App& app, Options& options) {
  AddChoice(app, "--log.level", options.log_level, kLogLevels,
            "debug|info|warn|error", "Least severity to log [info]")
      ->group("Logging");
  AddChoice(app, "--log.format", options.log_format, kLogFormats, "logfmt|json",
            "Form of log lines [logfmt]")
      ->group("Logging");
}

}  // namespace

void AddFlags(CLI::App& app, Options& options) {
  AddChoice(app, "command", options.command, kCommands, "serve|check|list",
            "What to do [serve]");
  AddConfigFlags(app, options);
  AddChoice(app, "--format", options.format, kFormats, "text|json|nagios",
            "What check prints [text]")
      ->group("Checking");
  AddServeFlags(app, options);
  AddHostFlags(app, options);
  AddNtpFlags(app, options);
  AddDnsFlags(app, options);
  AddLogFlags(app, options);
}

TopicFlags::TopicFlags(CLI::App& app) {
  for (const auto& collector : AllCollectors(Settings{})) {
    flags_.push_back({.topic = std::string(collector->topic())});
  }
  for (Flag& flag : flags_) {
    const std::string name = absl::StrCat("collector.", flag.topic);
    flag.option =
        app.add_flag(absl::StrCat("--", name, ",!--no-", name), flag.is_on,
                     absl::StrCat("Ask the topic ", flag.topic))
            ->group("Topics");
  }
  disable_defaults_.option =
      app.add_flag("--collector.disable-defaults", disable_defaults_.is_on,
                   "Ask only the topics that are named")
          ->group("Topics");
}

Topics TopicFlags::Chosen() const {
  const bool by_default = !disable_defaults_.IsOn(false);
  Topics topics;
  for (const Flag& flag : flags_) {
    if (flag.IsOn(by_default)) topics.insert(flag.topic);
  }
  return topics;
}

}  // namespace mailcow
