#include "exporter/remedy.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

constexpr absl::string_view kPrograms[] = {
    "apt-get", "cd", "docker", "fallocate", "systemctl", "timedatectl"};

// What leads from prose to a command.
constexpr absl::string_view kLeads[] = {": ", " then ", " run ", " with "};

bool BeginsWithProgram(absl::string_view text) {
  return std::any_of(std::begin(kPrograms), std::end(kPrograms),
                     [text](absl::string_view program) {
                       return absl::StartsWith(text,
                                               absl::StrCat(program, " "));
                     });
}

bool MayBegin(absl::string_view before) {
  return before.empty() || std::any_of(std::begin(kLeads), std::end(kLeads),
                                       [before](absl::string_view lead) {
                                         return absl::EndsWith(before, lead);
                                       });
}

// The characters of commands that mean the same to every shell, and `&&`. An
// apostrophe is prose's, or a file name's that no shell takes as it is.
bool IsPlain(absl::string_view command) {
  return std::all_of(command.begin(), command.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains(" &+-./:=@_", c);
  });
}

// The length of the command at the start of `text`; 0 if there is none.
size_t CommandLength(absl::string_view text) {
  if (!BeginsWithProgram(text)) return 0;
  const size_t length =
      std::min({text.find(", "), text.find("; "), text.size()});
  return IsPlain(text.substr(0, length)) ? length : 0;
}

}  // namespace

std::vector<RemedyPart> PartsOf(absl::string_view remedy) {
  std::vector<RemedyPart> parts;
  size_t begin = 0;
  for (size_t i = 0; i < remedy.size(); ++i) {
    const size_t length =
        MayBegin(remedy.substr(0, i)) ? CommandLength(remedy.substr(i)) : 0;
    if (length == 0) continue;
    if (i > begin) {
      parts.push_back({.text = std::string(remedy.substr(begin, i - begin))});
    }
    parts.push_back(
        {.text = std::string(remedy.substr(i, length)), .is_command = true});
    begin = i + length;
    i = begin - 1;
  }
  if (begin < remedy.size()) {
    parts.push_back({.text = std::string(remedy.substr(begin))});
  }
  return parts;
}

}  // namespace mailcow
