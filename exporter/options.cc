#include "exporter/options.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "exporter/config_file.h"
#include "exporter/flags.h"
#include "exporter/human.h"
#include "exporter/version.h"
#include "exporter/yaml.h"

namespace mailcow {
namespace {

constexpr int kUsageError = 2;

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
  const std::set<std::string> kFlags = {
      "config.check", "config.file", "dns.zone", "format", "help", "version"};
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
  AddFlags(app_, options_);
  topics_.emplace(app_);
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
      {"dns.resolver", before.dns_resolvers != after.dns_resolvers},
      {"dns.trusted-resolver",
       before.dns_trusted_resolvers != after.dns_trusted_resolvers},
      {"dns.interval", before.dns_interval != after.dns_interval},
      {"log.format", before.log_format != after.log_format}};
  std::vector<std::string> names;
  for (const auto& [name, has_changed] : kChanged) {
    if (has_changed) names.emplace_back(name);
  }
  return names;
}

}  // namespace mailcow
