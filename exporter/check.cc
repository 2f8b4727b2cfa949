#include "exporter/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/json.h"
#include "exporter/nagios.h"
#include "exporter/report.h"
#include "exporter/text.h"

namespace mailcow {
namespace {

// Nobody needs to be told of a wait that is shorter.
constexpr absl::Duration kMoment = absl::Milliseconds(200);

// A bus that is silent, and after that time servers that are.
constexpr absl::Duration kTopicPatience = absl::Seconds(8);

// Replaces the line that a person sees meanwhile; empty takes it away.
void ShowProgress(const std::string& line) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::fputs(absl::StrCat("\r\033[K", line).c_str(), stderr);
  std::fflush(stderr);
}

void AwaitDocker(const Sources& sources) {
  if (sources.watch == nullptr || sources.watch->AwaitFirst(kMoment)) return;
  ShowProgress("waiting for Docker's engine");
  sources.watch->AwaitFirst(kCheckPatience);
}

void AwaitTopics(Survey& survey) {
  const std::vector<std::string> missing = survey.AwaitFirstFindings(kMoment);
  if (missing.empty()) return;
  ShowProgress(absl::StrCat("waiting for ", absl::StrJoin(missing, ", ")));
  survey.AwaitFirstFindings(kTopicPatience);
}

bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 &&
         (no_color == nullptr || *no_color == '\0');
}

std::string Render(const Report& report, CheckFormat format) {
  switch (format) {
    case CheckFormat::kText:
      return RenderText(report, WantsColor());
    case CheckFormat::kJson:
      return RenderJson(report);
    case CheckFormat::kNagios:
      return RenderNagios(report);
  }
  return "";
}

}  // namespace

int Check(const Collectors& collectors, const Host& host,
          const Sources& sources, CheckFormat format) {
  // What Docker says decides where other topics look.
  AwaitDocker(sources);
  // Never destroyed: that would wait for a topic that hangs.
  Survey& survey = *new Survey(collectors, host);
  AwaitTopics(survey);
  ShowProgress("");
  const Report report = survey.Take();
  const std::string text = Render(report, format);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return CheckExitStatus(Count(RowsOf(report)));
}

}  // namespace mailcow
