#include "exporter/site.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/human.h"
#include "exporter/json.h"
#include "exporter/page.h"
#include "exporter/page_style.h"
#include "exporter/text_format.h"

namespace mailcow {
namespace {

// Prometheus' default, for clients that do not say how long they wait.
constexpr absl::Duration kDefaultPatience = absl::Seconds(10);
constexpr double kMaxPatienceSeconds = 3600;

Response Refuse(int status, absl::string_view why) {
  return {.status = status, .body = absl::StrCat(why, "\n")};
}

Response NotAllowed(absl::string_view allowed) {
  Response response =
      Refuse(405, absl::StrCat("the method must be one of ", allowed));
  response.headers = {{"Allow", std::string(allowed)}};
  return response;
}

std::vector<std::string> ValuesOf(const Request& request,
                                  absl::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : request.query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

// The topics that the query names out of `all`.
absl::StatusOr<Topics> ChooseTopics(const Request& request, const Topics& all) {
  const std::vector<std::string> collect = ValuesOf(request, "collect[]");
  const std::vector<std::string> exclude = ValuesOf(request, "exclude[]");
  if (!collect.empty() && !exclude.empty()) {
    return absl::InvalidArgumentError(
        "collect[] and exclude[] do not go together");
  }
  for (const auto* names : {&collect, &exclude}) {
    for (const std::string& name : *names) {
      if (all.count(name) == 1) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("there is no topic \"", Printable(name),
                       "\"; there are ", absl::StrJoin(all, ", ")));
    }
  }
  if (!collect.empty()) return Topics(collect.begin(), collect.end());
  Topics chosen = all;
  for (const std::string& name : exclude) chosen.erase(name);
  if (chosen.empty()) {
    return absl::InvalidArgumentError("every topic is excluded");
  }
  return chosen;
}

absl::StatusOr<absl::Duration> PatienceOf(const Request& request) {
  if (request.scrape_timeout.empty()) return kDefaultPatience;
  double seconds = 0;
  if (!absl::SimpleAtod(request.scrape_timeout, &seconds) ||
      !std::isfinite(seconds) || seconds <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "X-Prometheus-Scrape-Timeout-Seconds is no number of seconds"));
  }
  return absl::Seconds(std::min(seconds, kMaxPatienceSeconds));
}

}  // namespace

Response Site::Answer(const Request& request) const {
  const bool is_metrics = request.path == sources_.telemetry_path;
  const bool is_healthy = request.path == "/-/healthy";
  const bool is_reload = request.path == "/-/reload";
  const bool is_page = request.path == "/";
  if (!is_metrics && !is_healthy && !is_reload && !is_page) {
    return Refuse(404, "not found");
  }
  if (is_reload && request.method != "POST") return NotAllowed("POST");
  if (!is_reload && request.method != "GET" && request.method != "HEAD") {
    return NotAllowed("GET, HEAD");
  }
  if (request.has_body) return Refuse(400, "a body is not taken");
  if (is_metrics) return Metrics(request);
  if (is_reload) return Reload();
  if (is_page) return Page(request);
  return {.body = "healthy\n"};
}

Response Site::Metrics(const Request& request) const {
  const absl::StatusOr<Topics> topics =
      ChooseTopics(request, sources_.topics());
  if (!topics.ok()) return Refuse(400, topics.status().message());
  const absl::StatusOr<absl::Duration> patience = PatienceOf(request);
  if (!patience.ok()) return Refuse(400, patience.status().message());
  const absl::StatusOr<Scraper::Text> text =
      sources_.scrape(*topics, *patience);
  if (!text.ok()) return Refuse(503, text.status().message());
  return {.content_type = kTextFormatContentType, .shared_body = *text};
}

Response Site::Page(const Request& request) const {
  const std::vector<std::string> formats = ValuesOf(request, "format");
  if (formats == std::vector<std::string>{"json"}) {
    return {.content_type = "application/json",
            .headers = {{"Cache-Control", "no-store"}},
            .body = RenderJson(sources_.report())};
  }
  if (!formats.empty()) return Refuse(400, "the only other format is json");
  const bool refreshes =
      ValuesOf(request, "refresh") != std::vector<std::string>{"off"};
  return {.content_type = "text/html; charset=utf-8",
          .headers = {{"Cache-Control", "no-store"},
                      {"Content-Security-Policy", PageContentSecurityPolicy()},
                      {"Referrer-Policy", "no-referrer"}},
          .body = RenderPage(sources_.report(),
                             {.telemetry_path = sources_.telemetry_path,
                              .host_name = sources_.host_name,
                              .refreshes = refreshes})};
}

Response Site::Reload() const {
  const absl::Status reloaded = sources_.reload();
  if (!reloaded.ok()) {
    return Refuse(absl::IsUnavailable(reloaded) ? 503 : 500,
                  Printable(reloaded.message()));
  }
  return {.body = "reloaded\n"};
}

}  // namespace mailcow
