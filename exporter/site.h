// What is served where: a map from a request to a response.

#ifndef EXPORTER_SITE_H_
#define EXPORTER_SITE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "exporter/headers.h"
#include "exporter/report.h"
#include "exporter/scraper.h"

namespace mailcow {

struct Request {
  absl::string_view method;
  absl::string_view path;  // as it was sent, without the query
  // Names and values of the query, decoded.
  std::vector<std::pair<std::string, std::string>> query = {};
  // X-Prometheus-Scrape-Timeout-Seconds; empty where there is none.
  absl::string_view scrape_timeout = "";
  bool has_body = false;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Headers headers = {};
  std::string body = "";
  // Where it is set, the body.
  Scraper::Text shared_body = nullptr;
};

class Site {
 public:
  // Where the answers come from. All are called by several threads at once.
  struct Sources {
    std::string telemetry_path = "/metrics";
    std::string host_name;  // empty where it is not known
    // The topics that can be asked for.
    std::function<Topics()> topics;
    // The metrics of these topics; Scraper's errors.
    std::function<absl::StatusOr<Scraper::Text>(const Topics& topics,
                                                absl::Duration patience)>
        scrape;
    std::function<Report()> report;
    // Reads the configuration again; an error says why the old one stays.
    std::function<absl::Status()> reload;
  };

  explicit Site(Sources sources) : sources_(std::move(sources)) {}

  // 404 for any other path, to the letter; 405 for a method that the path does
  // not have; 400 for a body, and for a query that asks for what there is not.
  Response Answer(const Request& request) const;

 private:
  Response Metrics(const Request& request) const;
  Response Page(const Request& request) const;
  Response Reload() const;

  const Sources sources_;
};

}  // namespace mailcow

#endif  // EXPORTER_SITE_H_
