#include "exporter/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "civetweb.h"
#include "collectors/files.h"
#include "exporter/http_message.h"
#include "exporter/listen_address.h"
#include "exporter/request_head.h"

namespace mailcow {
namespace {

// A connection holds a thread as long as it is open: those that are kept open
// must leave threads for the others.
constexpr int kThreads = 48;
constexpr int kMaxKeptConnections = kThreads / 2;

// Who drips a request byte by byte holds a thread for so long: a hundred of
// them hold up a scrape for twice that.
constexpr char kRequestTimeoutMs[] = "3000";

constexpr size_t kMaxQueryFields = 64;

// Where silent clients wait; Linux' default limit for it.
constexpr char kBacklog[] = "4096";

// An answer that fits into the buffer of its socket leaves the thread at once,
// however slowly it is read.
constexpr int kSendBufferBytes = 1 << 18;

std::optional<absl::string_view> HeaderOf(const mg_connection* connection,
                                          const char* name) {
  const char* value = mg_get_header(connection, name);
  if (value == nullptr) return std::nullopt;
  return value;
}

// The body of a request stays unread: what follows on the connection would be
// taken for a request.
bool HasBody(const mg_connection* connection, const mg_request_info& info) {
  return info.content_length > 0 ||
         HeaderOf(connection, "Transfer-Encoding").has_value();
}

bool WishesToKeepAlive(const mg_connection* connection,
                       const mg_request_info& info) {
  if (absl::string_view(info.http_version) != "1.1") return false;
  const std::string wishes =
      absl::AsciiStrToLower(HeaderOf(connection, "Connection").value_or(""));
  if (wishes.empty()) return true;
  // CivetWeb keeps what has the field only where that says so.
  bool wishes_to_keep = false;
  for (absl::string_view wish : absl::StrSplit(wishes, ',')) {
    wish = absl::StripAsciiWhitespace(wish);
    if (wish == "close") return false;
    wishes_to_keep |= wish == "keep-alive";
  }
  return wishes_to_keep;
}

// Nothing where CivetWeb would cut it: at a NUL, and after so many fields.
std::optional<std::vector<std::pair<std::string, std::string>>> QueryOf(
    const mg_request_info& info) {
  std::vector<std::pair<std::string, std::string>> query;
  if (info.query_string == nullptr) return query;
  std::string text = info.query_string;
  const auto count_of_fields = std::count(text.begin(), text.end(), '&') + 1;
  if (count_of_fields > static_cast<std::ptrdiff_t>(kMaxQueryFields) ||
      absl::StrContains(text, "%00")) {
    return std::nullopt;
  }
  std::array<mg_header, kMaxQueryFields> fields;
  const int count = mg_split_form_urlencoded(text.data(), fields.data(),
                                             static_cast<int>(fields.size()));
  for (int i = 0; i < count; ++i) {
    const mg_header& field = fields[static_cast<size_t>(i)];
    query.emplace_back(field.name == nullptr ? "" : field.name,
                       field.value == nullptr ? "" : field.value);
  }
  return query;
}

// CivetWeb's spelling: "+PORT" is every address of both families, "PORTs" is
// TLS.
std::string ListeningPort(absl::string_view address, bool with_tls) {
  return absl::StrCat(absl::StartsWith(address, ":") ? "+" : "",
                      absl::StripPrefix(address, ":"), with_tls ? "s" : "");
}

// Whether the descriptor is a socket that listens on one of `ports`.
bool ListensOn(int fd, const std::vector<uint16_t>& ports) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
      listens == 0) {
    return false;
  }
  sockaddr_in6 address = {};
  size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  // The port stands at the same place in both families.
  return std::count(ports.begin(), ports.end(), ntohs(address.sin6_port)) > 0;
}

// The sockets that listen on `ports`, which CivetWeb does not show.
std::vector<int> FindListeners(const std::vector<uint16_t>& ports) {
  const Files own{Files::Roots{}};
  std::vector<int> listeners;
  for (const std::string& name :
       own.List("/proc/self/fd").value_or(std::vector<std::string>())) {
    int fd;
    if (absl::SimpleAtoi(name, &fd) && ListensOn(fd, ports)) {
      listeners.push_back(fd);
    }
  }
  return listeners;
}

void Configure(int listener) {
  // A connection reaches a thread only once its client has sent something.
  const int seconds = std::numeric_limits<int>::max();
  setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
             sizeof(seconds));
  setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes,
             sizeof(kSendBufferBytes));
}

}  // namespace

// CivetWeb is C: these are the functions it calls, and nothing may throw
// through them.
struct ServerCallbacks {
  static Server& Self(const mg_connection* connection) {
    return *static_cast<Server*>(mg_get_user_data(mg_get_context(connection)));
  }

  static Response Answer(Server& server, const mg_connection* connection,
                         const mg_request_info& info) {
    if (std::optional<Refusal> refusal =
            server.guard_.Refuse(HeaderOf(connection, "Authorization"))) {
      return {.status = refusal->status,
              .headers = std::move(refusal->headers),
              .body = std::move(refusal->body)};
    }
    auto query = QueryOf(info);
    if (!query.has_value()) {
      return {.status = 400, .body = "a query that is not to be\n"};
    }
    return server.site_.Answer(
        {.method = info.request_method,
         .path = info.local_uri_raw,
         .query = *std::move(query),
         .scrape_timeout =
             HeaderOf(connection, "X-Prometheus-Scrape-Timeout-Seconds")
                 .value_or(""),
         .has_body = HasBody(connection, info)});
  }

  static void Send(mg_connection* connection, const Response& response,
                   bool with_body, bool keep_alive) {
    if (!keep_alive) mg_disable_keep_alive(connection);
    // One write: with two, Nagle's algorithm waits for the client's delayed
    // acknowledgement.
    const std::string message =
        HttpMessage(response, Self(connection).guard_.headers(),
                    {.with_body = with_body, .keep_alive = keep_alive});
    mg_write(connection, message.data(), message.size());
  }

  // Before CivetWeb looks at users, files and what other sites may ask.
  static int OnRequest(mg_connection* connection) {
    Server& server = Self(connection);
    ++server.requests_;
    const absl::Cleanup leave = [&server] { --server.requests_; };
    const mg_request_info& info = *mg_get_request_info(connection);
    Response response;
    try {
      response = Answer(server, connection, info);
    } catch (const std::exception&) {
      response = {.status = 500, .body = "internal error\n"};
    }
    const bool keep_alive = server.connections_ <= kMaxKeptConnections &&
                            !HasBody(connection, info) &&
                            WishesToKeepAlive(connection, info);
    Send(connection, response, absl::string_view(info.request_method) != "HEAD",
         keep_alive);
    return response.status;
  }

  // What CivetWeb refuses by itself.
  static int OnError(mg_connection* connection, int status,
                     const char* /*message*/) {
    const Response response{.status = status,
                            .body = absl::StrCat(ReasonPhrase(status), "\n")};
    Send(connection, response, true, false);
    return 0;
  }

  static int OnConnect(const mg_connection* connection, void** data) {
    ++Self(connection).connections_;
    *data = &Self(connection);  // tells OnClose() that it was counted
    return 0;
  }

  static void OnClose(const mg_connection* connection) {
    // A TLS handshake that failed is closed without having begun.
    if (mg_get_user_connection_data(connection) == nullptr) return;
    --Self(connection).connections_;
  }

  static int OnTls(void** context, void* server) {
    *context = static_cast<Server*>(server)->guard_.ssl_context();
    return 1;
  }

  static int OnLog(const mg_connection* connection, const char* message) {
    Server& server = Self(connection);
    absl::MutexLock lock(&server.mutex_);
    if (server.first_error_.empty()) server.first_error_ = message;
    return 1;
  }
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const std::vector<std::string>& addresses, const Site& site,
    WebGuard& guard) {
  for (const std::string& address : addresses) {
    if (absl::Status status = CheckListenAddress(address); !status.ok()) {
      return status;
    }
  }
  mg_init_library(MG_FEATURES_IPV6 | (guard.has_tls() ? MG_FEATURES_SSL : 0));
  const std::string ports = absl::StrJoin(
      addresses, ",", [&guard](std::string* out, const std::string& address) {
        out->append(ListeningPort(address, guard.has_tls()));
      });
  const std::string threads = absl::StrCat(kThreads);
  const std::vector<std::pair<const char*, const char*>> settings = {
      {"listening_ports", ports.c_str()},
      {"num_threads", threads.c_str()},
      {"listen_backlog", kBacklog},
      {"tcp_nodelay", "1"},
      {"enable_keep_alive", "yes"},
      // Longer than Prometheus' default scrape interval of one minute.
      {"keep_alive_timeout_ms", "75000"},
      {"request_timeout_ms", kRequestTimeoutMs},
      {"decode_url", "no"},
      {"enable_auth_domain_check", "no"}};
  std::vector<const char*> options;
  for (const auto& [name, value] : settings) {
    options.push_back(name);
    options.push_back(value);
  }
  options.push_back(nullptr);
  mg_callbacks callbacks = {};
  callbacks.log_message = &ServerCallbacks::OnLog;
  callbacks.init_connection = &ServerCallbacks::OnConnect;
  callbacks.connection_close = &ServerCallbacks::OnClose;
  callbacks.begin_request = &ServerCallbacks::OnRequest;
  callbacks.http_error = &ServerCallbacks::OnError;
  callbacks.external_ssl_ctx = &ServerCallbacks::OnTls;
  std::unique_ptr<Server> server(new Server(site, guard));
  mg_context* context = mg_start(&callbacks, server.get(), options.data());
  if (context == nullptr) {
    absl::MutexLock lock(&server->mutex_);
    return absl::UnavailableError(server->first_error_);
  }
  server->context_ = context;
  server->listeners_ = FindListeners(server->ports());
  for (const int listener : server->listeners_) Configure(listener);
  return server;
}

Server::~Server() {
  // Wakes the thread that waits for connections.
  for (const int listener : listeners_) shutdown(listener, SHUT_RD);
  if (context_ != nullptr) mg_stop(context_);
  mg_exit_library();
}

void Server::AwaitIdle(absl::Duration deadline) const {
  constexpr absl::Duration kStep = absl::Milliseconds(5);
  for (absl::Duration waited; requests_ > 0 && waited < deadline;
       waited += kStep) {
    absl::SleepFor(kStep);
  }
}

std::vector<uint16_t> Server::ports() const {
  std::array<mg_server_port, 32> found = {};
  const int count = mg_get_server_ports(
      context_, static_cast<int>(found.size()), found.data());
  std::vector<uint16_t> ports;
  for (int i = 0; i < count; ++i) {
    ports.push_back(static_cast<uint16_t>(found[static_cast<size_t>(i)].port));
  }
  return ports;
}

}  // namespace mailcow

// Called by CivetWeb, which deploy/civetweb.patch makes ask: its own parser
// passes over what it does not understand.
extern "C" int AcceptsRequestHead(const char* head, size_t size) {
  return mailcow::CheckRequestHead({head, size}).ok() ? 1 : 0;
}
