// Reads what a client says of itself in HTTP's basic authentication, RFC 7617.

#ifndef EXPORTER_BASIC_AUTH_H_
#define EXPORTER_BASIC_AUTH_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace mailcow {

struct Credentials {
  std::string user;
  std::string password;
};

// Of the value of an Authorization header. Nothing for any other scheme, and
// for what Go's Request.BasicAuth refuses: base64 without its padding or with
// foreign characters, and no colon.
std::optional<Credentials> ParseBasicAuth(absl::string_view authorization);

}  // namespace mailcow

#endif  // EXPORTER_BASIC_AUTH_H_
