// The topic mailcow: whether it is installed, and whether its containers run.

#ifndef COLLECTORS_MAILCOW_H_
#define COLLECTORS_MAILCOW_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/collector.h"
#include "collectors/docker_state.h"
#include "collectors/mailcow_conf.h"

namespace mailcow {

struct ServiceFacts {
  std::string service;  // "postfix-mailcow"
  // None where the service has no container.
  std::optional<Container> container;

  bool operator==(const ServiceFacts&) const = default;
};

struct MailcowFacts {
  absl::StatusOr<bool> is_installed;
  // Those that mailcow.conf does not turn off.
  absl::StatusOr<std::vector<ServiceFacts>> services;
  // Their names, as far as they were ever known.
  std::vector<std::string> expected;
  absl::string_view directory;                // of mailcow.conf
  absl::Duration age = absl::ZeroDuration();  // of what Docker said

  bool operator==(const MailcowFacts&) const = default;
};

// mailcow's services that `conf` leaves on: those that every version has, and
// those more that have one of `containers`.
absl::StatusOr<std::vector<std::string>> ExpectedServices(
    const MailcowConf& conf, const std::vector<Container>& containers);

// `mailcow_directory` is where mailcow.conf lies.
std::unique_ptr<Collector> MakeMailcowCollector(std::string mailcow_directory);

}  // namespace mailcow

#endif  // COLLECTORS_MAILCOW_H_
