// What is served where: a pure map from a request to a response.

#ifndef EXPORTER_SITE_H_
#define EXPORTER_SITE_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace mailcow {

struct Request {
  absl::string_view method;
  absl::string_view path;  // as it was sent, without the query
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class Site {
 public:
  // `render_metrics` makes the body of a scrape; it may be called by several
  // threads at once.
  Site(std::string telemetry_path, std::function<std::string()> render_metrics)
      : telemetry_path_(std::move(telemetry_path)),
        render_metrics_(std::move(render_metrics)) {}

  // 404 for any other path, to the letter; 405 for any method but GET and HEAD.
  Response Answer(const Request& request) const;

 private:
  const std::string telemetry_path_;
  const std::function<std::string()> render_metrics_;
};

}  // namespace mailcow

#endif  // EXPORTER_SITE_H_
