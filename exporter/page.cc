#include "exporter/page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "exporter/version.h"

namespace mailcow {

std::string RenderPage(absl::string_view telemetry_path) {
  const std::string href = absl::StrReplaceAll(
      telemetry_path,
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
  return absl::StrCat(
      "<!DOCTYPE html>\n"
      "<html lang=\"en\">\n"
      "<head><meta charset=\"utf-8\"><title>mailcow_host_exporter</title>"
      "</head>\n"
      "<body>\n"
      "<h1>mailcow_host_exporter ",
      kVersion,
      "</h1>\n"
      "<p>Tells whether this host is fit to run mailcow: dockerized.</p>\n"
      "<ul>\n"
      "<li><a href=\"",
      href,
      "\">Metrics</a></li>\n"
      "<li><a href=\"/-/healthy\">Health</a></li>\n"
      "</ul>\n"
      "</body>\n"
      "</html>\n");
}

}  // namespace mailcow
