#include "exporter/yaml.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "exporter/text_format.h"
#include "yaml-cpp/depthguard.h"
#include "yaml-cpp/eventhandler.h"

namespace mailcow {
namespace {

// How every bcrypt hash begins.
constexpr absl::string_view kHashPrefix = "$2";

// YAML 1.1 ends a line at these, YAML 1.2 does not: what is a comment to one
// reader is a setting to the other.
constexpr absl::string_view kLineEnds[] = {"\u0085", "\u2028", "\u2029"};

// Without it yaml-cpp takes a quote that is never closed for one that is, and a
// last key that lacks its colon for one without a value.
constexpr char kEnd[] = "\n#\n...\n";

// Where a document begins, and nothing of what is in it.
class DocumentStart : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  const YAML::Mark& mark() const { return mark_; }

 private:
  YAML::Mark mark_;
};

// The null mark if there is but one. Throws what yaml-cpp throws. Its own
// LoadAll reads a text that begins with a comma for ever.
YAML::Mark SecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStart start;
  if (!parser.HandleNextDocument(start) || !parser.HandleNextDocument(start)) {
    return YAML::Mark::null_mark();
  }
  return start.mark();
}

// What is wrong with the characters of a line; empty if nothing is.
absl::string_view Fault(absl::string_view line) {
  // A byte order mark within the text, and what is no character.
  constexpr absl::string_view kForbidden[] = {"\uFEFF", "\uFFFE", "\uFFFF"};
  if (ToValidUtf8(line) != line) return "not valid UTF-8";
  const auto is_in_line = [line](absl::string_view text) {
    return absl::StrContains(line, text);
  };
  if (std::ranges::any_of(kLineEnds, is_in_line) ||
      absl::StrContains(line, '\r')) {
    return "an end of line that is neither LF nor CR LF";
  }
  const auto is_control = [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  };
  // The controls of Latin-1 are C2 80 to C2 9F.
  const auto is_high_control = [](char first, char second) {
    return first == '\xc2' && static_cast<unsigned char>(second) < 0xa0;
  };
  if (std::ranges::any_of(line, is_control) ||
      std::ranges::adjacent_find(line, is_high_control) != line.end() ||
      std::ranges::any_of(kForbidden, is_in_line)) {
    return "a control character";
  }
  return "";
}

absl::Status CheckCharacters(absl::string_view text, absl::string_view file) {
  absl::ConsumePrefix(&text, "\uFEFF");
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    absl::ConsumeSuffix(&line, "\r");
    const absl::string_view fault = Fault(line);
    if (!fault.empty()) return YamlError(file, number, fault);
  }
  return absl::OkStatus();
}

// A tag may turn a text into something else, each reader of YAML its own way.
absl::Status CheckTag(const YAML::Node& node, absl::string_view file) {
  constexpr std::array<absl::string_view, 4> kHarmless = {
      "", "?", "!", "tag:yaml.org,2002:str"};
  if (std::ranges::count(kHarmless, node.Tag()) > 0) return absl::OkStatus();
  return YamlError(file, LineOf(node),
                   absl::StrCat("the tag ", YamlQuoted(node.Tag())));
}

absl::Status CheckKey(const YAML::Node& key, absl::string_view file) {
  if (!key.IsScalar()) {
    return YamlError(file, LineOf(key), "a key that is not a word");
  }
  if (key.Scalar() == "<<" && key.Tag() == "?") {
    return YamlError(file, LineOf(key),
                     "the merge key \"<<\": write out what it stands for");
  }
  return CheckTag(key, file);
}

}  // namespace

absl::Status YamlError(absl::string_view file, int line,
                       absl::string_view message) {
  const size_t hash = message.find(kHashPrefix);
  return absl::InvalidArgumentError(
      absl::StrCat(file, ":", line, ": ", message.substr(0, hash),
                   hash == absl::string_view::npos ? "" : "(hidden)"));
}

std::string YamlQuoted(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

absl::StatusOr<YAML::Node> ParseYaml(const std::string& text,
                                     absl::string_view file) {
  absl::Status characters = CheckCharacters(text, file);
  if (!characters.ok()) return characters;
  const absl::string_view body = absl::StripSuffix(text, "\n");
  const int lines = static_cast<int>(std::ranges::count(body, '\n')) + 1;
  const auto line_at = [lines](const YAML::Mark& mark) {
    return std::clamp(mark.line + 1, 1, lines);
  };
  try {
    YAML::Node document = YAML::Load(text + kEnd);
    const YAML::Mark second = SecondDocument(text + kEnd);
    if (second.is_null()) return document;
    return YamlError(file, line_at(second),
                     "a second document, or a value out of place");
  } catch (const YAML::DeepRecursion& error) {
    return YamlError(file, line_at(error.mark), "nested too deeply");
  } catch (const YAML::Exception& error) {
    const bool is_at_end = error.mark.line >= lines;
    return YamlError(
        file, line_at(error.mark),
        is_at_end ? "a quote or a bracket is not closed" : error.msg);
  }
}

int LineOf(const YAML::Node& node) { return std::max(node.Mark().line, 0) + 1; }

absl::StatusOr<std::vector<YamlEntry>> EntriesOf(const YAML::Node& node,
                                                 absl::string_view file) {
  std::vector<YamlEntry> entries;
  if (node.IsNull()) return entries;
  if (!node.IsMap()) {
    return YamlError(file, LineOf(node), "not a mapping of keys to values");
  }
  std::set<std::string> seen;
  for (const auto& pair : node) {
    absl::Status status = CheckKey(pair.first, file);
    if (!status.ok()) return status;
    const int line = LineOf(pair.first);
    const std::string& key = pair.first.Scalar();
    if (!seen.insert(key).second) {
      return YamlError(file, line, YamlQuoted(key) + " stands twice");
    }
    entries.push_back({key, pair.second, line});
  }
  return entries;
}

absl::Status ReadEntries(
    const YAML::Node& node, absl::string_view file,
    const std::map<absl::string_view, YamlReader>& readers) {
  const auto entries = EntriesOf(node, file);
  if (!entries.ok()) return entries.status();
  for (const YamlEntry& entry : *entries) {
    const auto reader = readers.find(entry.key);
    if (reader == readers.end()) {
      return YamlError(file, entry.line,
                       "unknown key " + YamlQuoted(entry.key));
    }
    if (entry.value.IsNull()) continue;
    absl::Status status = reader->second(entry);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> StringOf(const YAML::Node& node,
                                     absl::string_view file) {
  if (node.IsNull()) return "";
  if (!node.IsScalar()) {
    return YamlError(file, LineOf(node), "not a single value");
  }
  absl::Status status = CheckTag(node, file);
  if (!status.ok()) return status;
  if (absl::StrContains(node.Scalar(), '\0')) {
    return YamlError(file, LineOf(node), "a value with a NUL byte");
  }
  return node.Scalar();
}

absl::StatusOr<bool> BoolOf(const YAML::Node& node, absl::string_view file) {
  static constexpr std::array<absl::string_view, 11> kYes = {
      "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array<absl::string_view, 11> kNo = {
      "n",     "N",     "no",  "No",  "NO", "false",
      "False", "FALSE", "off", "Off", "OFF"};
  if (node.IsScalar() && node.Tag() == "?") {
    if (std::ranges::count(kYes, node.Scalar()) > 0) return true;
    if (std::ranges::count(kNo, node.Scalar()) > 0) return false;
  }
  return YamlError(file, LineOf(node), "neither true nor false");
}

absl::StatusOr<std::vector<YAML::Node>> ListOf(const YAML::Node& node,
                                               absl::string_view file) {
  if (node.IsNull()) return std::vector<YAML::Node>();
  if (!node.IsSequence()) return YamlError(file, LineOf(node), "not a list");
  return std::vector<YAML::Node>(node.begin(), node.end());
}

}  // namespace mailcow
