#include "exporter/html.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "exporter/human.h"

namespace mailcow {
namespace {

// Characters that nobody sees but that reorder, join or hide what is beside
// them: a name must not look like another.
bool IsInvisible(uint32_t character) {
  return character == 0xad || character == 0x61c ||
         (character >= 0x200b && character <= 0x200f) ||
         (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2060 && character <= 0x2069) || character == 0xfeff;
}

// The character of up to three bytes of UTF-8 at the start of `text`, with
// their number; of a longer one the first byte alone.
std::pair<uint32_t, size_t> FirstCharacter(absl::string_view text) {
  const auto byte = [text](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(text[i]));
  };
  const auto bits = [byte](size_t i) { return byte(i) & 0x3f; };
  if (byte(0) >= 0xe0 && byte(0) < 0xf0) {
    return {(byte(0) & 0xf) << 12 | bits(1) << 6 | bits(2), 3};
  }
  if (byte(0) >= 0xc0 && byte(0) < 0xe0) {
    return {(byte(0) & 0x1f) << 6 | bits(1), 2};
  }
  return {byte(0), 1};
}

// `text` is valid UTF-8.
std::string ShowInvisible(absl::string_view text) {
  std::string shown;
  while (!text.empty()) {
    const auto [character, length] = FirstCharacter(text);
    if (length > 1 && IsInvisible(character)) {
      absl::StrAppendFormat(&shown, "\\u%04x", character);
    } else {
      absl::StrAppend(&shown, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return shown;
}

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(ShowInvisible(Printable(text)), {{"&", "&amp;"},
                                                              {"<", "&lt;"},
                                                              {">", "&gt;"},
                                                              {"\"", "&quot;"},
                                                              {"'", "&#39;"}});
}

// After these a line of the source ends.
bool IsBlock(absl::string_view name) {
  constexpr absl::string_view kBlocks[] = {
      "body",  "caption", "details", "dl",   "footer",  "h1",
      "h2",    "h3",      "h4",      "head", "header",  "html",
      "li",    "main",    "nav",     "p",    "section", "style",
      "table", "tr",      "title",   "ul",   "tbody",   "thead"};
  return std::find(std::begin(kBlocks), std::end(kBlocks), name) !=
         std::end(kBlocks);
}

}  // namespace

Html Text(absl::string_view text) { return {Escape(text)}; }

Html VoidTag(absl::string_view name, const Attributes& attributes) {
  Html html{absl::StrCat("<", name)};
  for (const auto& [key, value] : attributes) {
    absl::StrAppend(&html.markup, " ", key);
    if (!value.empty()) {
      absl::StrAppend(&html.markup, "=\"", Escape(value), "\"");
    }
  }
  html.markup += ">";
  return html;
}

Html Tag(absl::string_view name, const Attributes& attributes,
         const std::vector<Html>& children) {
  Html html = VoidTag(name, attributes);
  for (const Html& child : children) html.markup += child.markup;
  absl::StrAppend(&html.markup, "</", name, ">", IsBlock(name) ? "\n" : "");
  return html;
}

}  // namespace mailcow
