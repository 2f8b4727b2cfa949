#include "exporter/request_head.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

// CivetWeb forgets those that come later.
constexpr int kMaxFields = 64;

// Those of a 64-bit number.
constexpr size_t kMaxLengthDigits = 18;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// RFC 9110, section 5.6.2.
bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("!#$%&'*+-.^_`|~").find(c) !=
               absl::string_view::npos;
  });
}

bool IsVisible(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
}

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  });
}

bool IsNumber(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// The next line without its end; nothing where there is no end.
std::optional<absl::string_view> TakeLine(absl::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == absl::string_view::npos) return std::nullopt;
  absl::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  absl::ConsumeSuffix(&line, "\r");
  return line;
}

absl::Status CheckRequestLine(absl::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == last) return Malformed("a request line without three parts");
  if (!IsToken(line.substr(0, first)) ||
      !IsVisible(line.substr(first + 1, last - first - 1))) {
    return Malformed("a request line with other characters");
  }
  absl::string_view version = line.substr(last + 1);
  if (!absl::ConsumePrefix(&version, "HTTP/") || version.size() != 3 ||
      !IsNumber(version.substr(0, 1)) || version[1] != '.' ||
      !IsNumber(version.substr(2))) {
    return Malformed("a request line without a version of HTTP");
  }
  return absl::OkStatus();
}

// The fields that decide where a request ends and whom it is for.
struct Framing {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
};

absl::Status CheckField(absl::string_view line, Framing& framing) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || !IsToken(line.substr(0, colon))) {
    return Malformed("a line that is no header field");
  }
  const absl::string_view name = line.substr(0, colon);
  const absl::string_view value = line.substr(colon + 1);
  if (HasControl(value)) return Malformed("a control character");
  framing.hosts += absl::EqualsIgnoreCase(name, "Host") ? 1 : 0;
  framing.encodings +=
      absl::EqualsIgnoreCase(name, "Transfer-Encoding") ? 1 : 0;
  if (absl::EqualsIgnoreCase(name, "Content-Length")) {
    ++framing.lengths;
    const absl::string_view length = absl::StripAsciiWhitespace(value);
    if (!IsNumber(length) || length.size() > kMaxLengthDigits) {
      return Malformed("a length that is no number");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFraming(const Framing& framing, bool is_http_1_0) {
  if (framing.lengths > 1) return Malformed("more than one length");
  if (framing.encodings > 0 && framing.lengths > 0) {
    return Malformed("both a length and a transfer encoding");
  }
  if (framing.encodings > 1 || (framing.encodings > 0 && is_http_1_0)) {
    return Malformed("a transfer encoding that is not to be");
  }
  if (framing.hosts > 1) return Malformed("more than one host");
  if (framing.hosts == 0 && !is_http_1_0) return Malformed("no host");
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRequestHead(absl::string_view head) {
  // One empty line before a request is not the client's last word.
  if (!absl::ConsumePrefix(&head, "\r\n")) absl::ConsumePrefix(&head, "\n");
  const std::optional<absl::string_view> request_line = TakeLine(head);
  if (!request_line.has_value()) return Malformed("no request line");
  absl::Status status = CheckRequestLine(*request_line);
  Framing framing;
  for (int fields = 0; status.ok(); ++fields) {
    const std::optional<absl::string_view> line = TakeLine(head);
    if (!line.has_value()) return Malformed("a head that does not end");
    if (line->empty()) {
      if (!head.empty()) return Malformed("something behind the head");
      return CheckFraming(framing, absl::EndsWith(*request_line, "/1.0"));
    }
    if (fields == kMaxFields) return Malformed("too many header fields");
    status = CheckField(*line, framing);
  }
  return status;
}

}  // namespace mailcow
