// The file of --config.file: YAML whose keys are the names of flags, and
// `limits`, which replaces limits of requirements. What a flag makes of its
// words is not known here.

#ifndef EXPORTER_CONFIG_FILE_H_
#define EXPORTER_CONFIG_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/files.h"
#include "collectors/limits.h"

namespace mailcow {

// What a flag takes: a word; several, one each time it is named; or nothing, as
// it is on or off.
enum class FlagKind { kWord, kWords, kSwitch };

// By the names of flags, without dashes.
using FlagKinds = std::map<std::string, FlagKind>;

// One word for a flag; "true" or "false" for one that is on or off.
struct FlagWord {
  std::string flag;
  std::string word;
  int line = 0;  // from 1
};

struct ConfigFile {
  std::vector<FlagWord> words;  // in the order of the file
  Limits limits;
};

// InvalidArgument "FILE:LINE: KEY: MESSAGE" for a key that is neither `limits`
// nor one of `flags`, for one that stands there twice, for a value of another
// kind, and for a limit that no requirement has. `file` is only named in
// errors.
absl::StatusOr<ConfigFile> ParseConfigFile(const std::string& text,
                                           absl::string_view file,
                                           const FlagKinds& flags);

// Of a file, which a relative path finds from the working directory. Also what
// Files::Read() fails with, within its deadline.
// `own` are the files of this machine: who reads the file again and again gives
// the same, so that one which hangs costs one thread.
absl::StatusOr<ConfigFile> ReadConfigFile(
    const std::string& path, const FlagKinds& flags,
    const Files& own = Files(Files::Roots{}));

}  // namespace mailcow

#endif  // EXPORTER_CONFIG_FILE_H_
