// The page at "/": the readiness of the host for a person. It is whole in one
// response, and works without scripts.

#ifndef EXPORTER_PAGE_H_
#define EXPORTER_PAGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "exporter/report.h"

namespace mailcow {

struct PageSettings {
  // Where the metrics are.
  absl::string_view telemetry_path;
  // Empty where it is not known.
  absl::string_view host_name = "";
  // Whether a browser loads it anew every half a minute: who reads slowly may
  // turn that off, by the link to "/?refresh=off".
  bool refreshes = true;
};

// HTML, to be sent with PageContentSecurityPolicy().
std::string RenderPage(const Report& report, const PageSettings& settings);

}  // namespace mailcow

#endif  // EXPORTER_PAGE_H_
