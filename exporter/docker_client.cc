#include "exporter/docker_client.h"

#include <fcntl.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace mailcow {
namespace {

// The largest body: more than the containers of any host; an engine that sends
// more is none.
constexpr size_t kMaxBytes = size_t{16} << 20;

// The newest of the API that was looked at. Engines from 29 on no longer speak
// what Debian 12's does (1.41), so neither end can be taken for granted.
constexpr int kNewestMinor = 52;

// connect(2) answers at once on a Unix socket, with a reason that the HTTP
// library does not pass on.
absl::Status TryToConnect(const std::string& path,
                          const std::string& socket_name) {
  const FileDescriptor probe(
      socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return absl::ErrnoToStatus(errno, "socket");
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0) {
    return absl::OkStatus();
  }
  switch (errno) {
    case EAGAIN:
      return absl::DeadlineExceededError(
          absl::StrCat(socket_name, " takes no more connections"));
    case ECONNREFUSED:
      return absl::NotFoundError(
          absl::StrCat("no Docker engine listens at ", socket_name));
    case EACCES:
      return absl::PermissionDeniedError(absl::StrCat(
          "connecting to ", socket_name, " takes root or the group docker"));
    default:
      return absl::ErrnoToStatus(errno, socket_name);
  }
}

struct Answer {
  httplib::Response head;
  std::string body;
};

absl::StatusOr<Answer> Ask(httplib::Client& client, const std::string& path) {
  std::string body;
  const httplib::Result result =
      client.Get(path, [&body](const char* data, size_t size) {
        body.append(data, size);
        return body.size() <= kMaxBytes;
      });
  if (result) return Answer{*result, std::move(body)};
  if (result.error() == httplib::Error::Canceled) {
    return absl::DataLossError(
        absl::StrCat("the answer to ", path, " has no end"));
  }
  return absl::DeadlineExceededError(absl::StrCat(
      "no answer to ", path, ": ", httplib::to_string(result.error())));
}

absl::StatusOr<std::vector<std::string>> GetAll(
    httplib::Client& client, const std::vector<std::string>& paths) {
  const absl::StatusOr<Answer> ping = Ask(client, "/_ping");
  if (!ping.ok()) return ping.status();
  const absl::StatusOr<std::string> version =
      NegotiateApiVersion(ping->head.get_header_value("Api-Version"));
  if (!version.ok()) return version.status();
  std::vector<std::string> bodies;
  for (const std::string& path : paths) {
    const std::string versioned = absl::StrCat("/v", *version, path);
    absl::StatusOr<Answer> answer = Ask(client, versioned);
    if (!answer.ok()) return answer.status();
    if (answer->head.status != 200) {
      return absl::DataLossError(absl::StrCat("the answer to ", versioned,
                                              " is ", answer->head.status));
    }
    bodies.push_back(std::move(answer->body));
  }
  return bodies;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DockerClient::Get(
    const std::vector<std::string>& paths, absl::Duration patience) const {
  const absl::StatusOr<FileDescriptor> place = files_.Open(socket_, O_PATH);
  if (absl::IsNotFound(place.status())) {
    return absl::NotFoundError(
        absl::StrCat("there is no Docker engine at ", socket_));
  }
  if (!place.ok()) return place.status();
  // Leads to the socket whatever root it was found below, and however long its
  // path is.
  const std::string path = absl::StrCat("/proc/self/fd/", place->get());
  const absl::Status connected = TryToConnect(path, socket_);
  if (!connected.ok()) return connected;
  httplib::Client client(path);
  client.set_address_family(AF_UNIX);
  client.set_default_headers({{"Host", "docker"}});
  client.set_keep_alive(true);
  client.set_connection_timeout(absl::ToChronoMilliseconds(patience));
  client.set_read_timeout(absl::ToChronoMilliseconds(patience));
  client.set_write_timeout(absl::ToChronoMilliseconds(patience));
  absl::StatusOr<std::vector<std::string>> bodies = GetAll(client, paths);
  if (bodies.ok()) return bodies;
  return absl::Status(bodies.status().code(),
                      absl::StrCat("Docker's engine at ", socket_, ": ",
                                   bodies.status().message()));
}

absl::StatusOr<std::string> NegotiateApiVersion(absl::string_view offered) {
  const std::vector<absl::string_view> numbers = absl::StrSplit(offered, '.');
  int major = 0;
  int minor = 0;
  if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &major) ||
      !absl::SimpleAtoi(numbers[1], &minor) || major != 1 || minor < 0) {
    return absl::DataLossError("it does not say which version it speaks");
  }
  return absl::StrCat("1.", std::min(minor, kNewestMinor));
}

}  // namespace mailcow
