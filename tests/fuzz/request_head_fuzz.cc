#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "exporter/request_head.h"

namespace {

// Without their ends; what stands behind the last LF is the last of them.
std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      if (!lines.back().empty() && lines.back().back() == '\r') {
        lines.back().pop_back();
      }
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

// The name of a field as a careless reader finds it: in any case, with blanks
// around it, behind any control character.
std::string NameOf(const std::string& line) {
  std::string name;
  for (const char c : line.substr(0, line.find(':'))) {
    if (c >= 'A' && c <= 'Z') {
      name += static_cast<char>(c - 'A' + 'a');
    } else if (c > ' ') {
      name += c;
    }
  }
  return name;
}

void Require(bool is_true) {
  if (!is_true) std::abort();
}

void RequireUnambiguous(const std::string& head) {
  std::vector<std::string> lines = LinesOf(head);
  if (lines.front().empty()) lines.erase(lines.begin());
  Require(lines.size() >= 3);
  // The head ends in LF, behind its only empty line.
  Require(lines.back().empty() && lines[lines.size() - 2].empty());
  lines.resize(lines.size() - 2);
  int lengths = 0;
  int encodings = 0;
  for (const std::string& line : lines) {
    Require(!line.empty() && line[0] != ' ' && line[0] != '\t');
    Require(line.find('\0') == std::string::npos);
    Require(line.find('\r') == std::string::npos);
    lengths += NameOf(line) == "content-length" ? 1 : 0;
    encodings += NameOf(line) == "transfer-encoding" ? 1 : 0;
  }
  Require(lengths <= 1 && (lengths == 0 || encodings == 0));
}

}  // namespace

// What is accepted reads the same to somebody else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string head(reinterpret_cast<const char*>(data), size);
  if (mailcow::CheckRequestHead(head).ok()) RequireUnambiguous(head);
  return 0;
}
