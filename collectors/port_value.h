// The TCP ports that mailcow publishes, as mailcow.conf sets them, and what
// stands in the way of a port.

#ifndef COLLECTORS_PORT_VALUE_H_
#define COLLECTORS_PORT_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "collectors/host.h"
#include "collectors/mailcow_conf.h"

namespace mailcow {

// A row of mailcow's table of default ports.
struct PortDefinition {
  absl::string_view service;   // "smtp"
  absl::string_view variable;  // "SMTP_PORT"
  uint16_t default_port;
  absl::string_view container;  // "postfix-mailcow", which serves it
  // The variable that holds the address, for the two ports that must be bare.
  absl::string_view bind_variable = "";
};

absl::Span<const PortDefinition> PortDefinitions();

// What a service binds. Without an address: every address of both families.
struct Bind {
  std::optional<IpAddress> address;
  uint16_t port = 0;

  bool operator==(const Bind&) const = default;
};

// Whether `listener` keeps Docker from binding `bind`.
bool Conflicts(const Bind& bind, const Listener& listener);

// Whether two services cannot both have what they ask for.
bool Overlap(const Bind& one, const Bind& other);

struct PortValue {
  // What the value asks for; an error where it names no port.
  absl::StatusOr<Bind> bind;
  // Why mailcow cannot run with the value; empty where it can. An error where
  // that cannot be told.
  absl::StatusOr<std::string> complaint;

  bool operator==(const PortValue&) const = default;
};

// Tells the addresses of the host.
using AddressSource =
    absl::FunctionRef<absl::StatusOr<std::vector<IpAddress>>()>;

// Reads the value that `conf` has for a port. `addresses` is asked only where
// the value names one.
PortValue ParsePortValue(const PortDefinition& definition,
                         const MailcowConf& conf, AddressSource addresses);

}  // namespace mailcow

#endif  // COLLECTORS_PORT_VALUE_H_
