// The page at "/".

#ifndef EXPORTER_PAGE_H_
#define EXPORTER_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mailcow {

// HTML that names the program and links to what it serves.
std::string RenderPage(absl::string_view telemetry_path);

}  // namespace mailcow

#endif  // EXPORTER_PAGE_H_
