// The seams through which everything about a host is learned. A test describes
// a machine by building a Host; exporter/linux_host is the real one.

#ifndef COLLECTORS_HOST_H_
#define COLLECTORS_HOST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "collectors/dns_record.h"
#include "collectors/docker_state.h"
#include "collectors/files.h"
#include "collectors/ip_address.h"
#include "collectors/process_names.h"

namespace mailcow {

// What uname(2) says, of which only these matter.
struct SystemName {
  std::string machine;  // "x86_64"
  std::string release;  // "6.1.0-18-amd64"
};

// What statvfs(3) says of a mounted filesystem.
struct Filesystem {
  double size_bytes = 0;
  double available_bytes = 0;  // to a process without privilege
  double inodes_available = 0;
  bool has_inodes = true;  // some (btrfs) make them as needed and count none
  absl::StatusOr<bool> read_only = false;
};

// What adjtimex(2) says of the kernel's clock.
struct ClockState {
  double offset_seconds = 0;     // still to be slewed away
  double max_error_seconds = 0;  // grows by 500 ppm while nobody corrects it
  bool unsynchronized_flag = false;  // STA_UNSYNC
  bool leap_second_pending = false;  // at the end of this day (UTC)
};

// A TCP socket in the state LISTEN.
struct Listener {
  IpAddress address;
  uint16_t port = 0;
  bool ipv6_only = false;  // an IPv6 socket that takes no IPv4 connections
  uint64_t inode = 0;
  uint64_t cgroup_id = 0;  // 0 where the kernel does not tell
};

// Whose a listener is. Either answer may be an error.
struct Owner {
  absl::StatusOr<std::string> process;  // its name: "exim4"
  absl::StatusOr<std::string> cgroup;   // "/system.slice/exim4.service"

  bool operator==(const Owner&) const = default;
};

// The answers of the kernel that come at once and from no file.
class Kernel {
 public:
  virtual ~Kernel() = default;

  virtual absl::StatusOr<SystemName> Uname() const = 0;

  virtual absl::StatusOr<ClockState> Adjtimex() const = 0;

  // The time of day.
  virtual absl::StatusOr<absl::Time> Now() const = 0;

  // How often the clock was seen to be stepped (set, not slewed) since the
  // program began: from one call to the next it is seen once.
  virtual absl::StatusOr<double> ClockSteps() const = 0;

  // Of the filesystems that hold `paths`, one answer for each. NotFound where
  // nothing stands there. A mount that does not answer is DeadlineExceeded;
  // asking again costs nothing until it does.
  virtual std::vector<absl::StatusOr<Filesystem>> Statvfs(
      const std::vector<std::string>& paths) const = 0;

  // Every TCP socket that listens in this network namespace.
  virtual absl::StatusOr<std::vector<Listener>> Listeners() const = 0;

  // One answer for each. PermissionDenied names the capability that is missing.
  virtual std::vector<Owner> OwnersOf(
      const std::vector<Listener>& listeners) const = 0;

  // The addresses of the host's network interfaces.
  virtual absl::StatusOr<std::vector<IpAddress>> Addresses() const = 0;
};

// Docker's engine, which is asked on a thread of its own: many topics need what
// it says, and none may wait for it.
class Docker {
 public:
  virtual ~Docker() = default;

  // What it said when it was last asked. Never waits. DeadlineExceeded where
  // that is too long ago, PermissionDenied where the socket is not for us.
  virtual DockerState Latest() const = 0;
};

// What systemd says of a unit.
struct SystemdUnit {
  std::string active_state;    // "active", "inactive", "failed", ...
  std::string file_state;      // "enabled", "masked", ...; empty: no such file
  std::string sub_state = "";  // "running", "exited", ...
};

// The system bus, and systemd on it.
class Bus {
 public:
  virtual ~Bus() = default;

  // One answer for each name; a unit that is not known is inactive and has no
  // file. May wait. NotFound where systemd does not run the host.
  virtual absl::StatusOr<std::vector<SystemdUnit>> Units(
      const std::vector<std::string>& names) const = 0;
};

// What a time server said when it was last asked.
struct ServerTime {
  double offset_seconds = 0;  // positive where our clock is behind
  double round_trip_seconds = 0;
  int stratum = 0;  // 1: it has a reference clock; 15: the farthest from one
  absl::Duration age = absl::ZeroDuration();
  // Where it was asked: two names may lead to one server.
  std::string address = "";
};

// Time servers, asked by SNTP.
class TimeServers {
 public:
  virtual ~TimeServers() = default;

  // One answer for each of `servers` (time_server.h), none of which is asked
  // more often than it should be: until then, its last answer counts. May wait.
  virtual std::vector<absl::StatusOr<ServerTime>> Ask(
      const std::vector<std::string>& servers) const = 0;
};

// A resolver that is asked, and how long it took to answer over each protocol;
// an error says why it did not.
struct DnsServer {
  std::string address;  // "192.0.2.1:53"
  absl::StatusOr<absl::Duration> udp;
  absl::StatusOr<absl::Duration> tcp;
};

// The domain name system, as resolvers tell of it.
class Dns {
 public:
  virtual ~Dns() = default;

  // One answer for each question, none of which is asked more often than it
  // should be: until then, its last answer counts. May wait. DeadlineExceeded
  // and Unavailable where no resolver answers (SERVFAIL among it),
  // PermissionDenied where all refuse, DataLoss for an answer that cannot be
  // understood, InvalidArgument for what is no name.
  virtual std::vector<absl::StatusOr<DnsAnswer>> Ask(
      const std::vector<DnsQuestion>& questions) const = 0;

  // The resolvers, asked as seldom. NotFound where none is known.
  virtual absl::StatusOr<std::vector<DnsServer>> Servers() const = 0;
};

struct Host {
  const Files& files;
  const Kernel& kernel;
  const Docker& docker;
  const Bus& bus;
  const TimeServers& time_servers;
  const Dns& dns;
  const ProcessNames& processes;
};

}  // namespace mailcow

#endif  // COLLECTORS_HOST_H_
