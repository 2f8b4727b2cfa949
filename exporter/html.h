// HTML that is well-formed and escaped by its type: what a host says becomes
// Html through Text() alone.

#ifndef EXPORTER_HTML_H_
#define EXPORTER_HTML_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace mailcow {

struct Html {
  std::string markup;
};

using Attributes = std::vector<std::pair<absl::string_view, std::string>>;

// `text` to be read as it is: no part of it is markup, control characters and
// those that change the direction of what follows are made visible, and bytes
// that are no UTF-8 are replaced.
Html Text(absl::string_view text);

// An element with its children. The values of attributes are escaped; one that
// is empty has its name alone.
Html Tag(absl::string_view name, const Attributes& attributes,
         const std::vector<Html>& children);

// An element that has neither children nor an end, such as <meta>.
Html VoidTag(absl::string_view name, const Attributes& attributes);

}  // namespace mailcow

#endif  // EXPORTER_HTML_H_
