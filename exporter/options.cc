#include "exporter/options.h"

#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "collectors/time_server.h"
#include "exporter/server.h"
#include "exporter/version.h"

namespace mailcow {
namespace {

constexpr int kUsageError = 2;

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

std::optional<absl::Duration> ParseSeconds(const std::string& word) {
  double seconds = 0;
  if (!absl::SimpleAtod(word, &seconds) || !std::isfinite(seconds)) {
    return std::nullopt;
  }
  return absl::Seconds(seconds);
}

// One line for each flag; its default stands in its description.
class OneLineFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option,
                               bool is_positional) const override {
    if (option->get_fnames().empty()) {
      return CLI::Formatter::make_option_name(option, is_positional);
    }
    return absl::StrCat("--[no-]", option->get_lnames().front());
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string& type = option->get_type_name();
    return type.empty() ? "" : absl::StrCat(" ", type);
  }
};

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
void AddSeconds(CLI::App& app, const std::string& name, absl::Duration& value,
                absl::Duration least, const std::string& text) {
  app.add_option_function<std::string>(
         name,
         [&value](const std::string& word) { value = *ParseSeconds(word); },
         absl::StrCat(text, " [", absl::ToDoubleSeconds(value), "]"))
      ->check([least](const std::string& word) {
        const std::optional<absl::Duration> seconds = ParseSeconds(word);
        if (seconds.has_value() && *seconds >= least) return std::string();
        return absl::StrCat("\"", word, "\" is not a number of seconds from ",
                            absl::ToDoubleSeconds(least), " on");
      })
      ->type_name("SECONDS")
      ->group("Time servers");
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
             "Ask none more often than that");
  AddSeconds(app, "--ntp.max-offset", options.settings.time_servers.max_offset,
             absl::Milliseconds(1),
             "Offset at which the clock is not accurate");
}

// A flag for each topic, and after parsing the topics that are on.
class TopicFlags {
 public:
  explicit TopicFlags(CLI::App& app) {
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
    app.add_flag("--collector.disable-defaults", disable_defaults_,
                 "Ask only the topics that are named")
        ->group("Topics");
  }

  std::set<std::string> Chosen() const {
    std::set<std::string> topics;
    for (const Flag& flag : flags_) {
      const bool is_on =
          flag.option->count() > 0 ? flag.is_on : !disable_defaults_;
      if (is_on) topics.insert(flag.topic);
    }
    return topics;
  }

 private:
  struct Flag {
    std::string topic;
    bool is_on = false;
    CLI::Option* option = nullptr;
  };
  std::vector<Flag> flags_;
  bool disable_defaults_ = false;
};

std::string VersionText() {
  return absl::StrCat("mailcow_host_exporter, version ", kVersion,
                      " (revision ", kRevision, ")\n  compiler: ", kCompiler,
                      "\n");
}

ParsedOptions Mistake(absl::string_view what) {
  return {.options = std::nullopt,
          .message =
              absl::StrCat("mailcow_host_exporter: ", what, " (see --help)\n"),
          .exit_status = kUsageError};
}

}  // namespace

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  Options options;
  CLI::App app(
      "Tells whether this host is fit to run mailcow: dockerized.\n"
      "serve answers Prometheus, check prints the verdicts, list prints the "
      "requirements.",
      "mailcow_host_exporter");
  app.formatter(std::make_shared<OneLineFormatter>());
  app.get_formatter()->column_width(40);
  app.set_help_flag("-h,--help", "Print this and exit");
  app.set_version_flag("--version", VersionText())
      ->description("Print version and build, and exit");
  AddChoice(app, "command", options.command, kCommands, "serve|check|list",
            "What to do [serve]");
  AddChoice(app, "--format", options.format, kFormats, "text|json|nagios",
            "What check prints [text]")
      ->group("Checking");
  AddServeFlags(app, options);
  AddHostFlags(app, options);
  AddNtpFlags(app, options);
  const TopicFlags topics(app);
  AddChoice(app, "--log.level", options.log_level, kLogLevels,
            "debug|info|warn|error", "Least severity to log [info]")
      ->group("Logging");
  AddChoice(app, "--log.format", options.log_format, kLogFormats, "logfmt|json",
            "Form of log lines [logfmt]")
      ->group("Logging");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {.options = std::nullopt, .message = app.help(), .exit_status = 0};
  } catch (const CLI::CallForVersion&) {
    return {
        .options = std::nullopt, .message = VersionText(), .exit_status = 0};
  } catch (const CLI::ParseError& error) {
    return Mistake(error.what());
  }
  options.topics = topics.Chosen();
  if (options.topics.empty()) return Mistake("every topic is turned off");
  return {.options = std::move(options), .message = "", .exit_status = 0};
}

}  // namespace mailcow
