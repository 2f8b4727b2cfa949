// Builds the machines that unit tests describe: files below a directory of the
// test's own, and a kernel, a Docker and a bus that answer what the test sets.

#ifndef TESTS_FAKE_HOST_H_
#define TESTS_FAKE_HOST_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "collectors/collector.h"
#include "collectors/host.h"

namespace mailcow {

// A directory that holds a host's files and goes with the test.
class FakeRoot {
 public:
  FakeRoot() {
    std::string path =
        std::filesystem::temp_directory_path() / "mailcow_host_test.XXXXXX";
    path_ = mkdtemp(path.data());
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  // Writes a file at `path` as it stands on the host.
  void Write(const std::string& path, const std::string& content) const {
    const std::filesystem::path file = At(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }
  void MakeDirectory(const std::string& path) const {
    std::filesystem::create_directories(At(path));
  }
  void Link(const std::string& target, const std::string& path) const {
    std::filesystem::create_directories(At(path).parent_path());
    std::filesystem::create_symlink(target, At(path));
  }

  std::filesystem::path At(const std::string& path) const {
    return path_ + path;
  }
  Files files() const { return Files(Files::Roots{.root = path_}); }

 private:
  std::string path_;
};

// A kernel of which nothing is known but what the test sets.
struct FakeKernel : Kernel {
  absl::StatusOr<SystemName> uname = absl::UnavailableError("no uname");
  absl::StatusOr<ClockState> clock = absl::UnavailableError("no adjtimex");
  absl::StatusOr<absl::Time> now = absl::UnavailableError("no time");
  absl::StatusOr<double> clock_steps = absl::UnavailableError("no steps");
  std::map<std::string, absl::StatusOr<Filesystem>> filesystems;
  absl::StatusOr<std::vector<Listener>> listeners =
      absl::UnavailableError("no sock_diag");
  std::map<uint64_t, Owner> owners;  // by inode
  absl::StatusOr<std::vector<IpAddress>> addresses =
      absl::UnavailableError("no getifaddrs");

  absl::StatusOr<SystemName> Uname() const override { return uname; }
  absl::StatusOr<ClockState> Adjtimex() const override { return clock; }
  absl::StatusOr<absl::Time> Now() const override { return now; }
  absl::StatusOr<double> ClockSteps() const override { return clock_steps; }
  std::vector<absl::StatusOr<Filesystem>> Statvfs(
      const std::vector<std::string>& paths) const override {
    std::vector<absl::StatusOr<Filesystem>> answers;
    for (const std::string& path : paths) {
      const auto found = filesystems.find(path);
      answers.push_back(
          found != filesystems.end()
              ? found->second
              : absl::NotFoundError(absl::StrCat(path, ": No such file")));
    }
    return answers;
  }
  absl::StatusOr<std::vector<Listener>> Listeners() const override {
    return listeners;
  }
  std::vector<Owner> OwnersOf(
      const std::vector<Listener>& asked) const override {
    std::vector<Owner> answers;
    for (const Listener& listener : asked) {
      const auto found = owners.find(listener.inode);
      answers.push_back(
          found != owners.end()
              ? found->second
              : Owner{.process = absl::PermissionDeniedError("no owner"),
                      .cgroup = absl::PermissionDeniedError("no owner")});
    }
    return answers;
  }
  absl::StatusOr<std::vector<IpAddress>> Addresses() const override {
    return addresses;
  }
};

// An engine that says what the test sets; at first there is none.
struct FakeDocker : Docker {
  DockerState state = {.engine = absl::NotFoundError("no engine"),
                       .containers = absl::NotFoundError("no engine")};

  DockerState Latest() const override { return state; }
};

// A host without systemd, unless the test sets what that knows.
struct FakeBus : Bus {
  absl::StatusOr<std::map<std::string, SystemdUnit>> units =
      absl::NotFoundError("no systemd");

  absl::StatusOr<std::vector<SystemdUnit>> Units(
      const std::vector<std::string>& names) const override {
    if (!units.ok()) return units.status();
    std::vector<SystemdUnit> answers;
    for (const std::string& name : names) {
      const auto found = units->find(name);
      answers.push_back(found == units->end() ? SystemdUnit{"inactive", ""}
                                              : found->second);
    }
    return answers;
  }
};

// Time servers that say what the test sets; others do not answer.
struct FakeTimeServers : TimeServers {
  std::map<std::string, absl::StatusOr<ServerTime>> answers;

  std::vector<absl::StatusOr<ServerTime>> Ask(
      const std::vector<std::string>& servers) const override {
    std::vector<absl::StatusOr<ServerTime>> all;
    for (const std::string& server : servers) {
      const auto found = answers.find(server);
      all.push_back(found != answers.end()
                        ? found->second
                        : absl::DeadlineExceededError("it does not answer"));
    }
    return all;
  }
};

// A domain name system in which there is what the test adds, and no other name.
struct FakeDns : Dns {
  std::map<DnsQuestion, absl::StatusOr<DnsAnswer>> answers;
  absl::StatusOr<std::vector<DnsServer>> servers =
      std::vector<DnsServer>{{.address = "192.0.2.53:53",
                              .udp = absl::Milliseconds(2),
                              .tcp = absl::Milliseconds(3)}};
  // Where it is set, no resolver answers.
  absl::Status dead = absl::OkStatus();

  void Add(const std::string& name, DnsType type, const DnsRecord& record) {
    auto& answer =
        answers.try_emplace(DnsQuestion{name, type}, DnsAnswer()).first->second;
    answer->records.push_back(record);
  }
  void Add(const std::string& name, const std::string& address) {
    const IpAddress parsed = *ParseIpAddress(address);
    Add(name,
        parsed.family == IpAddress::Family::kIpv4 ? DnsType::kA
                                                  : DnsType::kAaaa,
        {.address = parsed});
  }
  void AddText(const std::string& name, const std::string& text) {
    Add(name, DnsType::kTxt, {.text = text});
  }

  std::vector<absl::StatusOr<DnsAnswer>> Ask(
      const std::vector<DnsQuestion>& questions) const override {
    std::vector<absl::StatusOr<DnsAnswer>> all;
    for (const DnsQuestion& question : questions) {
      const auto found = answers.find(question);
      if (!dead.ok()) {
        all.push_back(dead);
      } else if (found != answers.end()) {
        all.push_back(found->second);
      } else {
        all.push_back(DnsAnswer{.name_exists = false});
      }
    }
    return all;
  }
  absl::StatusOr<std::vector<DnsServer>> Servers() const override {
    return servers;
  }
};

// A whole machine, of which the test sets what matters to it.
struct FakeHost {
  FakeRoot root;
  FakeKernel kernel;
  FakeDocker docker;
  FakeBus bus;
  FakeTimeServers time_servers;
  FakeDns dns;
  mutable std::vector<std::unique_ptr<Collector>> kept = {};

  // Keeps the collector: its findings refer to it.
  Collected CollectWith(std::unique_ptr<Collector> collector) const {
    kept.push_back(std::move(collector));
    return CollectWith(*kept.back());
  }
  Collected CollectWith(const Collector& collector) const {
    const Files files = root.files();
    return collector.Collect(
        {files, kernel, docker, bus, time_servers, dns, ProcessNames(files)});
  }
};

// A running container of mailcow's, under the name that Compose gives it.
inline Container MailcowContainer(const std::string& service,
                                  std::vector<PublishedPort> ports = {}) {
  return {.id = std::string(64, 'a'),
          .name = absl::StrCat("mailcowdockerized-", service, "-1"),
          .project = "mailcowdockerized",
          .service = service,
          .state = "running",
          .status = "Up 2 hours",
          .ports = std::move(ports)};
}

// A running container that Compose did not make.
inline Container ForeignContainer(const std::string& name,
                                  std::vector<PublishedPort> ports = {}) {
  return {.id = std::string(64, 'b'),
          .name = name,
          .project = "",
          .service = "",
          .state = "running",
          .status = "Up 2 hours",
          .ports = std::move(ports)};
}

inline PublishedPort Published(absl::string_view address, uint16_t port) {
  return {.address = *ParseIpAddress(address), .port = port};
}

// The readings of the requirement `id`, in order.
inline std::vector<Reading> ReadingsOf(const Collected& collected,
                                       absl::string_view id) {
  std::vector<Reading> readings;
  for (const Finding& finding : collected.findings) {
    if (finding.requirement->id == id) readings.push_back(finding.reading);
  }
  return readings;
}

// The requirement `id` of `collector`, which must have it.
inline const Requirement& RequirementOf(const Collector& collector,
                                        absl::string_view id) {
  for (const Requirement* requirement : collector.requirements()) {
    if (requirement->id == id) return *requirement;
  }
  std::abort();
}

}  // namespace mailcow

#endif  // TESTS_FAKE_HOST_H_
