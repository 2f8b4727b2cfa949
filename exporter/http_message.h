// Writes a response as HTTP/1.1 has it.

#ifndef EXPORTER_HTTP_MESSAGE_H_
#define EXPORTER_HTTP_MESSAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "exporter/headers.h"
#include "exporter/site.h"

namespace mailcow {

// "Not Found"
absl::string_view ReasonPhrase(int status);

struct HttpMessageOptions {
  bool with_body = true;  // HEAD has none, but its length
  bool keep_alive = false;
};

// Of headers of the same name, one that is configured stands before the
// response's own.
std::string HttpMessage(const Response& response, const Headers& configured,
                        HttpMessageOptions options);

}  // namespace mailcow

#endif  // EXPORTER_HTTP_MESSAGE_H_
