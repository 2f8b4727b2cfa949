#include "exporter/config_file.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "collectors/all.h"
#include "collectors/files.h"
#include "exporter/yaml.h"

namespace mailcow {
namespace {

constexpr absl::string_view kLimits = "limits";

const std::map<std::string, Level> kLevels = {
    {std::string(Name(Level::kRequired)), Level::kRequired},
    {std::string(Name(Level::kRecommended)), Level::kRecommended}};

// Reads the entries of one file.
class Reader {
 public:
  Reader(absl::string_view file, const FlagKinds& flags)
      : file_(file), flags_(flags) {}

  absl::StatusOr<ConfigFile> Read(const std::string& text);

 private:
  absl::Status Add(const YamlEntry& entry);
  absl::Status AddList(const YamlEntry& entry);
  absl::Status AddWord(const YamlEntry& entry, const YAML::Node& value,
                       int line);
  absl::Status AddSwitch(const YamlEntry& entry);
  absl::Status AddLimits(const YamlEntry& limits);
  absl::Status AddLimitsOf(const Requirement& requirement,
                           const YamlEntry& entry);
  absl::Status Complain(const YamlEntry& entry, absl::string_view what) const {
    return YamlError(file_, entry.line, absl::StrCat(entry.key, ": ", what));
  }

  const absl::string_view file_;
  const FlagKinds& flags_;
  ConfigFile config_;
};

absl::StatusOr<ConfigFile> Reader::Read(const std::string& text) {
  const absl::StatusOr<YAML::Node> document = ParseYaml(text, file_);
  if (!document.ok()) return document.status();
  const absl::StatusOr<std::vector<YamlEntry>> entries =
      EntriesOf(*document, file_);
  if (!entries.ok()) return entries.status();
  for (const YamlEntry& entry : *entries) {
    absl::Status status = Add(entry);
    if (!status.ok()) return status;
  }
  return std::move(config_);
}

absl::Status Reader::Add(const YamlEntry& entry) {
  if (entry.key == kLimits) return AddLimits(entry);
  const auto flag = flags_.find(entry.key);
  if (flag == flags_.end()) {
    return Complain(entry, "not a key of the configuration file");
  }
  switch (flag->second) {
    case FlagKind::kWord:
      return AddWord(entry, entry.value, entry.line);
    case FlagKind::kWords:
      return AddList(entry);
    case FlagKind::kSwitch:
      return AddSwitch(entry);
  }
  return absl::OkStatus();
}

absl::Status Reader::AddList(const YamlEntry& entry) {
  if (!entry.value.IsSequence()) {
    return AddWord(entry, entry.value, entry.line);
  }
  // Would be taken for the default, whatever that is.
  if (entry.value.size() == 0) return Complain(entry, "an empty list");
  for (const YAML::Node& item : entry.value) {
    absl::Status status = AddWord(entry, item, LineOf(item));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Reader::AddWord(const YamlEntry& entry, const YAML::Node& value,
                             int line) {
  if (!value.IsScalar() || value.Scalar().empty()) {
    return YamlError(file_, line, absl::StrCat(entry.key, ": not a word"));
  }
  config_.words.push_back({entry.key, value.Scalar(), line});
  return absl::OkStatus();
}

absl::Status Reader::AddSwitch(const YamlEntry& entry) {
  const std::string word = entry.value.IsScalar() ? entry.value.Scalar() : "";
  if (word != "true" && word != "false") {
    return Complain(entry, "neither true nor false");
  }
  config_.words.push_back({entry.key, word, entry.line});
  return absl::OkStatus();
}

absl::Status Reader::AddLimits(const YamlEntry& limits) {
  if (!limits.value.IsMap() && !limits.value.IsNull()) {
    return Complain(limits, "not a mapping of requirements");
  }
  const absl::StatusOr<std::vector<YamlEntry>> entries =
      EntriesOf(limits.value, file_);
  if (!entries.ok()) return entries.status();
  std::map<absl::string_view, const Requirement*> requirements;
  const auto collectors = AllCollectors(Settings{});
  for (const auto& collector : collectors) {
    for (const Requirement* requirement : collector->requirements()) {
      requirements.emplace(requirement->id, requirement);
    }
  }
  for (YamlEntry entry : *entries) {
    const auto found = requirements.find(entry.key);
    entry.key = absl::StrCat(kLimits, ".", entry.key);
    if (found == requirements.end()) {
      return Complain(entry, "no requirement has this id");
    }
    absl::Status status = AddLimitsOf(*found->second, entry);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Reader::AddLimitsOf(const Requirement& requirement,
                                 const YamlEntry& entry) {
  const absl::Status replaceable = CheckHasLimit(requirement);
  if (!replaceable.ok()) return Complain(entry, replaceable.message());
  if (!entry.value.IsMap() || entry.value.size() == 0) {
    return Complain(entry, "not a mapping of required and recommended");
  }
  const absl::StatusOr<std::vector<YamlEntry>> levels =
      EntriesOf(entry.value, file_);
  if (!levels.ok()) return levels.status();
  for (YamlEntry level : *levels) {
    const auto found = kLevels.find(level.key);
    level.key = absl::StrCat(entry.key, ".", level.key);
    if (found == kLevels.end()) {
      return Complain(level, "neither required nor recommended");
    }
    const absl::Status has_limit = CheckHasLimit(requirement, found->second);
    if (!has_limit.ok()) return Complain(level, has_limit.message());
    const absl::StatusOr<double> limit = ParseLimit(
        level.value.IsScalar() ? level.value.Scalar() : "", requirement.unit);
    if (!limit.ok()) return Complain(level, limit.status().message());
    config_.limits[{std::string(requirement.id), found->second}] = *limit;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ConfigFile> ParseConfigFile(const std::string& text,
                                           absl::string_view file,
                                           const FlagKinds& flags) {
  return Reader(file, flags).Read(text);
}

absl::StatusOr<ConfigFile> ReadConfigFile(const std::string& path,
                                          const FlagKinds& flags,
                                          const Files& own) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), path);
  const absl::StatusOr<std::string> text = own.Read(absolute.string());
  if (!text.ok()) return text.status();
  return ParseConfigFile(*text, path, flags);
}

}  // namespace mailcow
