#include "exporter/current_survey.h"

#include <string>
#include <thread>
#include <utility>

#include "exporter/survey.h"

namespace mailcow {

struct CurrentSurvey::Running {
  Running(Collectors chosen, const Host& host, Topics names)
      : collectors(std::move(chosen)),
        topics(std::move(names)),
        survey(collectors, host) {}

  const Collectors collectors;
  const Topics topics;
  Survey survey;
};

void CurrentSurvey::Begin(const Settings& settings, const Topics& topics,
                          absl::Duration patience) {
  // A survey ends once its topics have answered, which nobody must wait for.
  const auto end_aside = [](Running* running) {
    std::thread([running] { delete running; }).detach();
  };
  const std::shared_ptr<Running> begun(
      new Running(ChosenCollectors(settings, topics), host_, topics),
      end_aside);
  begun->survey.AwaitFirstFindings(patience);
  absl::MutexLock lock(&mutex_);
  current_ = begun;
}

std::shared_ptr<CurrentSurvey::Running> CurrentSurvey::current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

Topics CurrentSurvey::topics() const { return current()->topics; }

Report CurrentSurvey::Take(const Topics& topics) const {
  const std::shared_ptr<Running> running = current();
  Report report = running->survey.Take([&topics](absl::string_view topic) {
    return topics.find(topic) != topics.end();
  });
  report.held = running;
  return report;
}

}  // namespace mailcow
