// The macros of SPF (RFC 7208, section 7), by which a record makes the names
// that it asks for out of the mail at hand: "%{ir}.sbl.example.org".

#ifndef COLLECTORS_SPF_MACRO_H_
#define COLLECTORS_SPF_MACRO_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/ip_address.h"

namespace mailcow {

inline constexpr size_t kMaxSpfNameSize = 253;

// "%{l2r+-}"
struct SpfMacro {
  char letter = 'd';                 // in lower case
  bool is_escaped = false;           // written in upper case: for a URL
  std::optional<size_t> parts = {};  // as many from the right; none: all
  bool is_reversed = false;
  std::string delimiters = ".";

  bool operator==(const SpfMacro&) const = default;
};

// Text, or a macro in place of it.
struct SpfPiece {
  std::string text = "";
  std::optional<SpfMacro> macro = std::nullopt;

  bool operator==(const SpfPiece&) const = default;
};

using SpfMacroString = std::vector<SpfPiece>;

// InvalidArgument for what is no "macro-string", and for macros that only an
// explanation may have.
absl::StatusOr<SpfMacroString> ParseSpfMacroString(absl::string_view text);

// The same for a "domain-spec", which ends in a macro or in a label that a
// top-level domain can have.
absl::StatusOr<SpfMacroString> ParseSpfDomain(absl::string_view text);

// What macros stand for.
struct SpfMacroValues {
  IpAddress client;           // i and v
  std::string local_part;     // l and s
  std::string sender_domain;  // o and s
  std::string domain;         // d: whose record it is
  std::string helo;           // h
  std::string client_name;    // p: as the client's PTR records prove it
};

// Whether `text` has a macro of that letter: p takes questions to find out.
bool HasMacro(const SpfMacroString& text, char letter);

// The name that `text` makes: in lower case and without the last dot. Of more
// than 253 characters, labels are left out at its beginning. It need not be a
// valid name.
std::string ExpandSpfDomain(const SpfMacroString& text,
                            const SpfMacroValues& values);

}  // namespace mailcow

#endif  // COLLECTORS_SPF_MACRO_H_
