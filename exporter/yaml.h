// Reads YAML strictly: what is said twice is an error, as is what one reader of
// YAML takes for something else than another, and every error names file and
// line. Types are those of the Prometheus family (go-yaml v2): a number or a
// yes is a text where a text is asked for.

#ifndef EXPORTER_YAML_H_
#define EXPORTER_YAML_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "yaml-cpp/yaml.h"

namespace mailcow {

// One key of a mapping.
struct YamlEntry {
  std::string key;
  YAML::Node value;
  int line = 0;  // of the key, from 1
};

// InvalidArgument "FILE:LINE: MESSAGE". Of a message that quotes a password
// hash, what stands before it.
absl::Status YamlError(absl::string_view file, int line,
                       absl::string_view message);

// A text of the file between quotes, on one line, for a message.
std::string YamlQuoted(absl::string_view text);

// The one document in `text`; empty text is a null node. InvalidArgument for
// what is no YAML, for a second document, and for a character that YAML forbids
// or that only some take for the end of a line. `file` is only named in errors.
absl::StatusOr<YAML::Node> ParseYaml(const std::string& text,
                                     absl::string_view file);

// The line of a node, from 1. That of an alias is the line of its anchor.
int LineOf(const YAML::Node& node);

// The keys of a mapping in their order; none of a null node. InvalidArgument
// for what is no mapping, for a key that is no plain word, for one that stands
// there twice, and for the merge key "<<".
absl::StatusOr<std::vector<YamlEntry>> EntriesOf(const YAML::Node& node,
                                                 absl::string_view file);

// How the value of a key is read.
using YamlReader = std::function<absl::Status(const YamlEntry&)>;

// Calls the reader of every key of a mapping, unless its value is null: that
// leaves the default. InvalidArgument for a key without a reader, for what
// EntriesOf refuses, and what the first reader that fails returns.
absl::Status ReadEntries(
    const YAML::Node& node, absl::string_view file,
    const std::map<absl::string_view, YamlReader>& readers);

// The text of a word or number, as it stands there; none of a null node.
// InvalidArgument for a list, a mapping, a tag, and a NUL.
absl::StatusOr<std::string> StringOf(const YAML::Node& node,
                                     absl::string_view file);

// What true, yes, y, on and their opposites say. InvalidArgument for all else:
// null, and words in quotes.
absl::StatusOr<bool> BoolOf(const YAML::Node& node, absl::string_view file);

// The entries of a list; none of a null node. InvalidArgument for what is no
// list.
absl::StatusOr<std::vector<YAML::Node>> ListOf(const YAML::Node& node,
                                               absl::string_view file);

}  // namespace mailcow

#endif  // EXPORTER_YAML_H_
