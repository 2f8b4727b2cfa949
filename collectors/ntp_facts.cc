#include "collectors/ntp_facts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace mailcow {
namespace {

// Those of the daemons that are on; where none is, of all that are installed.
absl::StatusOr<TimeSources> ReadSources(const Files& files,
                                        const TimeDaemonsFound& found) {
  std::vector<const TimeDaemon*> daemons;
  const auto known = found.daemons.value_or(std::vector<FoundTimeDaemon>());
  const auto on = DaemonsThatAreOn(known);
  for (const FoundTimeDaemon& each : on.empty() ? known : on) {
    daemons.push_back(each.daemon);
  }
  if (daemons.empty()) {
    for (const TimeDaemon& daemon : TimeDaemons()) daemons.push_back(&daemon);
  }
  TimeSources all;
  for (const TimeDaemon* daemon : daemons) {
    const absl::StatusOr<TimeSources> sources = daemon->read_sources(files);
    if (!sources.ok()) return sources.status();
    for (const std::string& server : sources->servers) all.AddServer(server);
    all.reference_clocks += sources->reference_clocks;
    if (!sources->mistake.empty()) all.mistake = sources->mistake;
    if (!sources->remedy.empty()) all.remedy = sources->remedy;
  }
  const bool is_known = !known.empty();
  if (all.remedy.empty() && is_known) {
    all.remedy = std::string(daemons.front()->remedy);
  }
  return all;
}

}  // namespace

std::vector<FoundTimeDaemon> DaemonsThatAreOn(
    const std::vector<FoundTimeDaemon>& daemons) {
  std::vector<FoundTimeDaemon> on;
  std::copy_if(daemons.begin(), daemons.end(), std::back_inserter(on),
               [](const FoundTimeDaemon& found) { return found.is_on; });
  return on;
}

absl::StatusOr<double> MedianOffsetSeconds(const NtpFacts& facts) {
  std::vector<double> offsets;
  std::vector<std::string> reasons;
  for (const auto& [server, answer] : facts.answers) {
    if (answer.ok()) {
      offsets.push_back(answer->offset_seconds);
    } else {
      reasons.push_back(absl::StrCat(server, ": ", answer.status().message()));
    }
  }
  if (facts.answers.empty()) {
    return absl::UnavailableError(
        "no time server is known to ask; --ntp.server names one");
  }
  if (offsets.empty()) {
    return absl::UnavailableError(
        absl::StrCat("no time server gives a useful answer: ",
                     absl::StrJoin(reasons, "; ")));
  }
  std::sort(offsets.begin(), offsets.end());
  const size_t middle = offsets.size() / 2;
  if (offsets.size() % 2 == 1) return offsets[middle];
  return (offsets[middle - 1] + offsets[middle]) / 2;
}

NtpFacts ObserveNtp(const Host& host, const NtpSettings& settings) {
  NtpFacts facts{.found = FindTimeDaemons(host),
                 .sources = TimeSources(),
                 .answers = {},
                 .kernel = host.kernel.Adjtimex(),
                 .max_offset = settings.max_offset,
                 .age = absl::ZeroDuration()};
  facts.sources = ReadSources(host.files, facts.found);
  TimeSources named;
  for (const std::string& server : settings.servers) named.AddServer(server);
  std::vector<std::string> servers = named.servers;
  if (servers.empty() && facts.sources.ok()) servers = facts.sources->servers;
  std::vector<absl::StatusOr<ServerTime>> answers =
      host.time_servers.Ask(servers);
  for (size_t i = 0; i < servers.size(); ++i) {
    if (answers[i].ok()) facts.age = std::max(facts.age, answers[i]->age);
    facts.answers.emplace_back(servers[i], std::move(answers[i]));
  }
  return facts;
}

}  // namespace mailcow
