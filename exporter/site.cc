#include "exporter/site.h"

#include "exporter/page.h"
#include "exporter/text_format.h"

namespace mailcow {

Response Site::Answer(const Request& request) const {
  const bool is_metrics = request.path == telemetry_path_;
  const bool is_healthy = request.path == "/-/healthy";
  const bool is_page = request.path == "/";
  if (!is_metrics && !is_healthy && !is_page) {
    return {.status = 404, .body = "not found\n"};
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return {.status = 405, .body = "only GET and HEAD are allowed\n"};
  }
  if (is_metrics) {
    return {.content_type = kTextFormatContentType, .body = render_metrics_()};
  }
  if (is_healthy) return {.body = "healthy\n"};
  return {.content_type = "text/html; charset=utf-8",
          .body = RenderPage(telemetry_path_)};
}

}  // namespace mailcow
