// The topic interference: other mail services that run on the host, or would at
// its next boot.

#ifndef COLLECTORS_INTERFERENCE_H_
#define COLLECTORS_INTERFERENCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/collector.h"
#include "collectors/mail_service.h"

namespace mailcow {

// A unit, or where systemd does not run the host a script, that starts a mail
// service.
struct Starter {
  std::string name;  // "exim4.service", "exim4"
  bool runs = false;
  bool starts_at_boot = false;
  bool is_generated = false;  // by systemd, from a script in /etc/init.d
};

struct MailServiceFacts {
  const Service* service;
  // Those that run, or would at the next boot.
  absl::StatusOr<std::vector<Starter>> starters;
  // The name of its process on the host; empty where it has none.
  absl::StatusOr<std::string> process;
};

struct InterferenceFacts {
  std::vector<MailServiceFacts> services;
  // Then units tell what runs, and processes only add to it.
  bool has_systemd = false;
};

// Asks systemd and looks at all processes, so the topic is refreshed off the
// scrape path.
std::unique_ptr<Collector> MakeInterferenceCollector();

}  // namespace mailcow

#endif  // COLLECTORS_INTERFERENCE_H_
