#include "exporter/server.h"

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "civetweb.h"
#include "collectors/ip_address.h"

namespace mailcow {
namespace {

// A connection holds a thread as long as it is open: those that are kept open
// must leave threads for the others.
constexpr int kThreads = 64;
constexpr int kMaxKeptConnections = kThreads / 2;

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Internal Server Error";
  }
}

std::string Message(const Response& response, bool with_body, bool keep_alive) {
  std::string message = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
      "\r\nContent-Type: ", response.content_type,
      "\r\nContent-Length: ", response.body.size(),
      "\r\nX-Content-Type-Options: nosniff",
      response.status == 405 ? "\r\nAllow: GET, HEAD" : "",
      "\r\nConnection: ", keep_alive ? "keep-alive" : "close", "\r\n\r\n");
  if (with_body) message += response.body;
  return message;
}

// The body of a request that is refused stays unread: what follows on the
// connection would be taken for a request.
bool MayKeepAlive(const mg_connection* connection, const mg_request_info& info,
                  const Response& response, bool server_has_room) {
  const char* wish = mg_get_header(connection, "Connection");
  return server_has_room && response.status != 405 &&
         info.content_length <= 0 &&
         absl::string_view(info.http_version) == "1.1" &&
         (wish == nullptr || !absl::EqualsIgnoreCase(wish, "close"));
}

// CivetWeb's spelling: "+PORT" is every address of both families.
std::string ListeningPort(absl::string_view address) {
  return absl::StartsWith(address, ":") ? absl::StrCat("+", address.substr(1))
                                        : std::string(address);
}

}  // namespace

// CivetWeb is C: these are the functions it calls, and nothing may throw
// through them.
struct ServerCallbacks {
  static Server& Self(const mg_connection* connection) {
    return *static_cast<Server*>(mg_get_user_data(mg_get_context(connection)));
  }

  static int OnRequest(mg_connection* connection, void* server) {
    const mg_request_info* info = mg_get_request_info(connection);
    Response response;
    try {
      response = static_cast<Server*>(server)->site_.Answer(
          {.method = info->request_method, .path = info->local_uri_raw});
    } catch (const std::exception&) {
      response = {.status = 500, .body = "internal error\n"};
    }
    const absl::string_view method = info->request_method;
    const bool keep_alive = MayKeepAlive(
        connection, *info, response,
        static_cast<Server*>(server)->connections_ <= kMaxKeptConnections);
    if (!keep_alive) mg_disable_keep_alive(connection);
    // One write: with two, Nagle's algorithm waits for the client's delayed
    // acknowledgement.
    const std::string message = Message(response, method != "HEAD", keep_alive);
    mg_write(connection, message.data(), message.size());
    return response.status;
  }

  static int OnConnect(const mg_connection* connection, void** /*data*/) {
    ++Self(connection).connections_;
    return 0;
  }

  static void OnClose(const mg_connection* connection) {
    --Self(connection).connections_;
  }

  static int OnLog(const mg_connection* connection, const char* message) {
    Server& server = Self(connection);
    absl::MutexLock lock(&server.mutex_);
    if (server.first_error_.empty()) server.first_error_ = message;
    return 1;
  }
};

absl::Status CheckListenAddress(absl::string_view address) {
  const size_t colon = address.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos ||
      address.find_first_not_of("0123456789", colon + 1) !=
          absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is not ADDRESS:PORT"));
  }
  const absl::string_view host = address.substr(0, colon);
  const absl::StatusOr<IpAddress> ip = ParseIpAddress(host);
  // The brackets tell the port from the rest of an IPv6 address.
  const bool is_ipv6 = absl::StrContains(host, ':');
  if (!host.empty() && (!ip.ok() || is_ipv6 != absl::StartsWith(host, "["))) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address,
                     "\" names no IP address; IPv6 goes in "
                     "brackets"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const std::vector<std::string>& addresses, const Site& site) {
  for (const std::string& address : addresses) {
    if (absl::Status status = CheckListenAddress(address); !status.ok()) {
      return status;
    }
  }
  mg_init_library(MG_FEATURES_IPV6);
  const std::string ports = absl::StrJoin(
      addresses, ",", [](std::string* out, const std::string& address) {
        out->append(ListeningPort(address));
      });
  const std::string threads = absl::StrCat(kThreads);
  const std::vector<std::pair<const char*, const char*>> settings = {
      {"listening_ports", ports.c_str()},
      {"num_threads", threads.c_str()},
      {"tcp_nodelay", "1"},
      {"enable_keep_alive", "yes"},
      // Longer than Prometheus' default scrape interval of one minute.
      {"keep_alive_timeout_ms", "75000"},
      {"request_timeout_ms", "5000"},
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
  callbacks.connection_closed = &ServerCallbacks::OnClose;
  std::unique_ptr<Server> server(new Server(site));
  mg_context* context = mg_start(&callbacks, server.get(), options.data());
  if (context == nullptr) {
    absl::MutexLock lock(&server->mutex_);
    return absl::UnavailableError(server->first_error_);
  }
  server->context_ = context;
  mg_set_request_handler(context, "**", &ServerCallbacks::OnRequest,
                         server.get());
  return server;
}

Server::~Server() {
  if (context_ != nullptr) mg_stop(context_);
  mg_exit_library();
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
