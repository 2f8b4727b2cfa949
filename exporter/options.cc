#include "exporter/options.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "collectors/time_server.h"
#include "exporter/config_file.h"
#include "exporter/human.h"
#include "exporter/listen_address.h"
#include "exporter/version.h"
#include "exporter/yaml.h"

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
    disable_defaults_.option =
        app.add_flag("--collector.disable-defaults", disable_defaults_.is_on,
                     "Ask only the topics that are named")
            ->group("Topics");
  }

  Topics Chosen() const {
    const bool by_default = !disable_defaults_.IsOn(false);
    Topics topics;
    for (const Flag& flag : flags_) {
      if (flag.IsOn(by_default)) topics.insert(flag.topic);
    }
    return topics;
  }

 private:
  struct Flag {
    bool IsOn(bool by_default) const {
      return option->count() > 0 ? is_on : by_default;
    }

    std::string topic;
    bool is_on = false;
    CLI::Option* option = nullptr;
  };
  std::vector<Flag> flags_;
  Flag disable_defaults_;
};

std::string VersionText() {
  return absl::StrCat("mailcow_host_exporter, version ", kVersion,
                      " (revision ", kRevision, ")\n  compiler: ", kCompiler,
                      "\n");
}

ParsedOptions Mistake(absl::string_view what) {
  return {.options = std::nullopt,
          .message = absl::StrCat("mailcow_host_exporter: ", Printable(what),
                                  " (see --help)\n"),
          .exit_status = kUsageError};
}

// Flags and command that no file may set.
bool IsOfCommandLine(const std::string& flag) {
  const std::set<std::string> kFlags = {"config.check", "config.file", "format",
                                        "help", "version"};
  return kFlags.count(flag) == 1;
}

// The name of a flag, without dashes; empty for the command.
std::string NameOf(const CLI::Option& option) {
  return option.get_lnames().empty() ? "" : option.get_lnames().front();
}

// All flags, and what they make of arguments.
class Parser {
 public:
  Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Options, help or version; InvalidArgument for a mistake. Forgets what it
  // was told before.
  absl::StatusOr<ParsedOptions> Parse(std::vector<std::string> arguments);

  // The flags that the arguments named.
  std::set<std::string> Named() const;

  // The flags that a file may set.
  FlagKinds Kinds() const;

 private:
  Options options_;
  CLI::App app_{
      "Tells whether this host is fit to run mailcow: dockerized.\n"
      "serve answers Prometheus, check prints the verdicts, list prints the "
      "requirements.",
      "mailcow_host_exporter"};
  std::optional<TopicFlags> topics_;
};

Parser::Parser() {
  app_.formatter(std::make_shared<OneLineFormatter>());
  app_.get_formatter()->column_width(40);
  app_.set_help_flag("-h,--help", "Print this and exit");
  app_.set_version_flag("--version", VersionText())
      ->description("Print version and build, and exit");
  AddChoice(app_, "command", options_.command, kCommands, "serve|check|list",
            "What to do [serve]");
  AddConfigFlags(app_, options_);
  AddChoice(app_, "--format", options_.format, kFormats, "text|json|nagios",
            "What check prints [text]")
      ->group("Checking");
  AddServeFlags(app_, options_);
  AddHostFlags(app_, options_);
  AddNtpFlags(app_, options_);
  topics_.emplace(app_);
  AddChoice(app_, "--log.level", options_.log_level, kLogLevels,
            "debug|info|warn|error", "Least severity to log [info]")
      ->group("Logging");
  AddChoice(app_, "--log.format", options_.log_format, kLogFormats,
            "logfmt|json", "Form of log lines [logfmt]")
      ->group("Logging");
}

absl::StatusOr<ParsedOptions> Parser::Parse(
    std::vector<std::string> arguments) {
  options_ = Options{};
  std::reverse(arguments.begin(), arguments.end());
  try {
    app_.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return ParsedOptions{
        .options = std::nullopt, .message = app_.help(), .exit_status = 0};
  } catch (const CLI::CallForVersion&) {
    return ParsedOptions{
        .options = std::nullopt, .message = VersionText(), .exit_status = 0};
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  options_.topics = topics_->Chosen();
  return ParsedOptions{.options = options_, .message = "", .exit_status = 0};
}

std::set<std::string> Parser::Named() const {
  std::set<std::string> names;
  for (const CLI::Option* option : app_.get_options()) {
    if (option->count() > 0) names.insert(NameOf(*option));
  }
  return names;
}

FlagKinds Parser::Kinds() const {
  FlagKinds kinds;
  for (const CLI::Option* option : app_.get_options()) {
    const std::string name = NameOf(*option);
    if (name.empty() || IsOfCommandLine(name)) continue;
    const int most = option->get_expected_max();
    kinds[name] = most == 0   ? FlagKind::kSwitch
                  : most == 1 ? FlagKind::kWord
                              : FlagKind::kWords;
  }
  return kinds;
}
// The arguments that the file stands for. InvalidArgument, with the line, for
// one that a flag refuses.
absl::StatusOr<std::vector<std::string>> ArgumentsOf(
    const ConfigFile& config, const std::string& file,
    const std::set<std::string>& without, Parser& parser) {
  std::vector<std::string> arguments;
  for (const FlagWord& word : config.words) {
    const std::string argument = absl::StrCat("--", word.flag, "=", word.word);
    // Each by itself, so that it is known whose mistake it is.
    const auto parsed = parser.Parse({argument});
    if (!parsed.ok()) {
      absl::string_view what = parsed.status().message();
      absl::ConsumePrefix(&what, absl::StrCat("--", word.flag, ": "));
      return YamlError(file, word.line, absl::StrCat(word.flag, ": ", what));
    }
    if (without.count(word.flag) == 0) arguments.push_back(argument);
  }
  return arguments;
}

absl::StatusOr<ParsedOptions> ParseWithFile(
    const std::vector<std::string>& arguments, const Files& own) {
  Parser parser;
  absl::StatusOr<ParsedOptions> parsed = parser.Parse(arguments);
  if (!parsed.ok() || !parsed->options.has_value()) return parsed;
  const std::string file = parsed->options->config_file;
  if (file.empty()) return parsed;
  const absl::StatusOr<ConfigFile> config =
      ReadConfigFile(file, parser.Kinds(), own);
  if (!config.ok()) return config.status();
  absl::StatusOr<std::vector<std::string>> all =
      ArgumentsOf(*config, file, parser.Named(), parser);
  if (!all.ok()) return all.status();
  all->insert(all->end(), arguments.begin(), arguments.end());
  parsed = parser.Parse(*std::move(all));
  if (parsed.ok()) parsed->options->settings.limits = config->limits;
  return parsed;
}

}  // namespace

ParsedOptions ParseOptions(int argc, const char* const* argv,
                           const Files& own) {
  absl::StatusOr<ParsedOptions> parsed =
      ParseWithFile({argv + std::min(argc, 1), argv + argc}, own);
  if (!parsed.ok()) return Mistake(parsed.status().message());
  if (parsed->options.has_value() && parsed->options->topics.empty()) {
    return Mistake("every topic is turned off");
  }
  return *std::move(parsed);
}

std::vector<std::string> NeedRestart(const Options& before,
                                     const Options& after) {
  const std::pair<const char*, bool> kChanged[] = {
      {"web.listen-address", before.listen_addresses != after.listen_addresses},
      {"web.telemetry-path", before.telemetry_path != after.telemetry_path},
      {"web.config.file", before.web_config_file != after.web_config_file},
      {"web.max-requests", before.max_requests != after.max_requests},
      {"path.rootfs", before.roots.root != after.roots.root},
      {"path.procfs", before.roots.proc != after.roots.proc},
      {"path.sysfs", before.roots.sys != after.roots.sys},
      {"path.recording", before.recording != after.recording},
      {"docker.socket", before.docker_socket != after.docker_socket},
      {"ntp.interval", before.ntp_interval != after.ntp_interval},
      {"log.format", before.log_format != after.log_format}};
  std::vector<std::string> names;
  for (const auto& [name, has_changed] : kChanged) {
    if (has_changed) names.emplace_back(name);
  }
  return names;
}

}  // namespace mailcow
