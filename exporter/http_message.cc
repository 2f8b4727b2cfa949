#include "exporter/http_message.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

// Of two headers of the same name the first stands.
void AppendHeaders(const Headers& headers, Headers& out) {
  for (const auto& header : headers) {
    const bool is_set =
        std::any_of(out.begin(), out.end(), [&header](const auto& other) {
          return absl::EqualsIgnoreCase(header.first, other.first);
        });
    if (!is_set) out.push_back(header);
  }
}

}  // namespace

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

std::string HttpMessage(const Response& response, const Headers& configured,
                        HttpMessageOptions options) {
  Headers headers = configured;
  AppendHeaders(response.headers, headers);
  AppendHeaders({{"X-Content-Type-Options", "nosniff"}}, headers);
  const std::string& body =
      response.shared_body == nullptr ? response.body : *response.shared_body;
  std::string message;
  message.reserve(512 + body.size());
  absl::StrAppend(&message, "HTTP/1.1 ", response.status, " ",
                  ReasonPhrase(response.status),
                  "\r\nContent-Type: ", response.content_type,
                  "\r\nContent-Length: ", body.size());
  for (const auto& [name, value] : headers) {
    absl::StrAppend(&message, "\r\n", name, ": ", value);
  }
  absl::StrAppend(&message, "\r\nConnection: ",
                  options.keep_alive ? "keep-alive" : "close", "\r\n\r\n");
  if (options.with_body) message += body;
  return message;
}

}  // namespace mailcow
