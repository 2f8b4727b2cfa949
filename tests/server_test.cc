#include "exporter/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <stdexcept>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "collectors/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// A connection to a port of loopback.
class Client {
 public:
  explicit Client(uint16_t port, int family = AF_INET)
      : socket_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // A server that does not answer fails the test instead of holding it.
    const timeval deadline = {.tv_sec = 30, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline,
               sizeof(deadline));
    const sockaddr_in ipv4 = {.sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr = {htonl(INADDR_LOOPBACK)},
                              .sin_zero = {}};
    const sockaddr_in6 ipv6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(port),
                               .sin6_flowinfo = 0,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                               .sin6_scope_id = 0};
    const bool is_ipv4 = family == AF_INET;
    const int connected =
        connect(socket_.get(),
                is_ipv4 ? reinterpret_cast<const sockaddr*>(&ipv4)
                        : reinterpret_cast<const sockaddr*>(&ipv6),
                is_ipv4 ? socklen_t{sizeof(ipv4)} : socklen_t{sizeof(ipv6)});
    EXPECT_EQ(connected, 0);
  }

  void Send(absl::string_view bytes) const {
    EXPECT_EQ(send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // What arrives up to and with `end`.
  std::string ReceiveUntil(absl::string_view end) const {
    std::string received;
    char byte;
    while (!absl::EndsWith(received, end) &&
           recv(socket_.get(), &byte, 1, 0) == 1) {
      received += byte;
    }
    return received;
  }

  // What arrives until the server closes.
  std::string ReceiveAll() const {
    std::string received;
    std::array<char, 4096> buffer;
    for (;;) {
      const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
      EXPECT_GE(got, 0) << "the connection stays open";
      if (got <= 0) return received;
      received.append(buffer.data(), static_cast<size_t>(got));
    }
  }

 private:
  const FileDescriptor socket_;
};

// A site of which every scrape is the same.
Site::Sources CannedSite() {
  return {.telemetry_path = "/metrics",
          .host_name = "",
          .topics =
              [] {
                return Topics{"memory", "swap"};
              },
          .scrape =
              [](const Topics& topics, absl::Duration /*patience*/) {
                const bool is_all = topics.size() == 2;
                return std::make_shared<const std::string>(
                    is_all ? "up 1\n" : absl::StrJoin(topics, ",") + "\n");
              },
          .report = [] { return Report(); },
          .reload = [] { return absl::OkStatus(); }};
}

// One that lets everybody in.
std::unique_ptr<WebGuard> OpenGuard() {
  return *WebGuard::Load("", Logger(LogLevel::kError, LogFormat::kLogfmt));
}

class ServerTest : public testing::Test {
 protected:
  void SetUp() override { Start({"127.0.0.1:0"}); }

  void Start(const std::vector<std::string>& addresses) {
    server_ = nullptr;
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start(addresses, site_, *guard_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  uint16_t port() const { return server_->ports().front(); }

  // The whole answer to one request on a connection of its own.
  std::string Ask(absl::string_view request_line,
                  absl::string_view more = "\r\n") const {
    const Client client(port());
    client.Send(absl::StrCat(request_line, " HTTP/1.1\r\nHost: localhost\r\n",
                             "Connection: close\r\n", more));
    return client.ReceiveAll();
  }

  const Site site_{CannedSite()};
  const std::unique_ptr<WebGuard> guard_ = OpenGuard();
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, GetHasHeadersAndBody) {
  EXPECT_THAT(Ask("GET /metrics"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                    HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; "
                              "charset=utf-8\r\n"),
                    HasSubstr("\r\nContent-Length: 5\r\n"),
                    EndsWith("\r\n\r\nup 1\n")));
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  EXPECT_THAT(Ask("HEAD /metrics"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                    HasSubstr("\r\nContent-Length: 5\r\n"),
                    EndsWith("\r\n\r\n"), Not(HasSubstr("up 1"))));
}

TEST_F(ServerTest, PostIsNotAllowedAndSaysWhatIs) {
  EXPECT_THAT(Ask("POST /metrics", "Content-Length: 4\r\n\r\nbody"),
              AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"),
                    HasSubstr("\r\nAllow: GET, HEAD\r\n")));
}

TEST_F(ServerTest, ThePathIsComparedToTheLetter) {
  for (const char* path :
       {"/metricsfoo", "/metrics/", "/metrics/x", "/METRICS", "/favicon.ico"}) {
    EXPECT_THAT(Ask(absl::StrCat("GET ", path)),
                StartsWith("HTTP/1.1 404 Not Found\r\n"))
        << path;
  }
}

TEST_F(ServerTest, ThePathIsComparedAsItWasSent) {
  EXPECT_THAT(Ask("GET /%6detrics"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
}

// RFC 9112 has forms of a request's target that hold no path of ours.
TEST_F(ServerTest, ATargetWithoutAPathIsNotServedAndHarmsNobody) {
  EXPECT_THAT(Ask("OPTIONS *"), Not(HasSubstr("200 OK")));
  EXPECT_THAT(Ask("GET http://example.org/metrics"), Not(HasSubstr("up 1")));
  EXPECT_THAT(Ask("GET /metrics"), EndsWith("up 1\n"));
}

TEST_F(ServerTest, TheQueryIsNoPartOfThePath) {
  EXPECT_THAT(Ask("GET /metrics?x=y"), EndsWith("up 1\n"));
}

TEST_F(ServerTest, TheQueryIsDecoded) {
  EXPECT_THAT(Ask("GET /metrics?collect%5B%5D=mem%6fry"),
              EndsWith("\r\n\r\nmemory\n"));
  EXPECT_THAT(Ask("GET /metrics?collect[]=swap&x&=y&collect[]=memory"),
              EndsWith("up 1\n"));
  EXPECT_THAT(Ask("GET /metrics?"), EndsWith("up 1\n"));
}

// CivetWeb would answer it by itself, whoever asks.
TEST_F(ServerTest, APreflightOfAnotherSiteIsNotAllowed) {
  EXPECT_THAT(Ask("OPTIONS /-/reload",
                  "Origin: http://elsewhere\r\n"
                  "Access-Control-Request-Method: POST\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 405 "),
                    Not(HasSubstr("Access-Control-Allow"))));
}

TEST_F(ServerTest, AnUpgradeIsNotMade) {
  EXPECT_THAT(Ask("GET /metrics", "Upgrade: websocket\r\n\r\n"),
              EndsWith("up 1\n"));
}

TEST_F(ServerTest, AQueryThatWouldBeCutIsRefused) {
  EXPECT_THAT(Ask("GET /metrics?collect[]=memory%00evil"),
              StartsWith("HTTP/1.1 400 "));
  std::string query;
  for (int i = 0; i < 63; ++i) query += "x=1&";
  EXPECT_THAT(Ask("GET /metrics?" + query + "x=1"), EndsWith("up 1\n"));
  EXPECT_THAT(Ask("GET /metrics?" + query + "x=1&collect[]=bogus"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(ServerTest, WhatIsNotKeptIsNotPromisedToBe) {
  const Client client(port());
  client.Send(
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: TE\r\n\r\n");
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(ServerTest, APostReloads) {
  EXPECT_THAT(Ask("POST /-/reload"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("reloaded\n")));
}

TEST_F(ServerTest, ABodyIsRefusedAndEndsTheConnection) {
  EXPECT_THAT(Ask("GET /metrics", "Content-Length: 4\r\n\r\nbody"),
              AllOf(StartsWith("HTTP/1.1 400 "),
                    HasSubstr("\r\nConnection: close\r\n")));
}

// What CheckRequestHead() refuses never reaches CivetWeb's parser.
TEST_F(ServerTest, AnAmbiguousHeadIsABadRequest) {
  for (const char* field : {"Content-Length: 0\r\nContent-Length: 0",
                            "No colon", " Folded: yes", "Host: another"}) {
    EXPECT_THAT(Ask("GET /metrics", absl::StrCat(field, "\r\n\r\n")),
                AllOf(StartsWith("HTTP/1.1 400 Bad Request\r\n"),
                      HasSubstr("\r\nConnection: close\r\n"),
                      EndsWith("\r\n\r\nBad Request\n")))
        << field;
  }
}

TEST_F(ServerTest, AHeadThatIsTooLargeIsRefused) {
  EXPECT_THAT(Ask("GET /metrics", absl::StrCat("X: ", std::string(17000, 'x'))),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(ServerTest, SilentClientsDoNotReachItsThreads) {
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<Client>(port()));
  }
  EXPECT_THAT(Ask("GET /metrics"), EndsWith("up 1\n"));
}

TEST_F(ServerTest, OneConnectionServesSeveralRequests) {
  const Client client(port());
  for (int i = 0; i < 2; ++i) {
    client.Send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(
        client.ReceiveUntil("up 1\n"),
        AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
              HasSubstr("\r\nConnection: keep-alive\r\n"), EndsWith("up 1\n")));
  }
}

TEST_F(ServerTest, WhatIsAskedToCloseIsClosed) {
  EXPECT_THAT(Ask("GET /metrics"), HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(ServerTest, TheBodyOfARefusedRequestIsNoRequestOfItsOwn) {
  for (const char* framing :
       {"Content-Length: 25", "Transfer-Encoding: chunked"}) {
    const Client client(port());
    client.Send(absl::StrCat("POST /metrics HTTP/1.1\r\nHost: localhost\r\n",
                             framing, "\r\n\r\n",
                             "GET /metrics HTTP/1.0\r\n\r\n"));
    EXPECT_THAT(client.ReceiveAll(),
                AllOf(StartsWith("HTTP/1.1 405 "), Not(HasSubstr("up 1"))))
        << framing;
  }
}

TEST_F(ServerTest, ASiteThatThrowsIsAnInternalError) {
  Site::Sources sources = CannedSite();
  sources.topics = []() -> Topics { throw std::runtime_error("broken"); };
  const Site site(sources);
  const auto server = Server::Start({"127.0.0.1:0"}, site, *guard_);
  ASSERT_TRUE(server.ok());
  const Client client((*server)->ports().front());
  client.Send("GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReceiveAll(),
              AllOf(StartsWith("HTTP/1.1 500 Internal Server Error\r\n"),
                    Not(HasSubstr("broken"))));
}

TEST_F(ServerTest, ListensOnIpv6) {
  Start({"[::1]:0"});
  const Client client(port(), AF_INET6);
  client.Send("GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReceiveAll(), EndsWith("up 1\n"));
}

TEST_F(ServerTest, ListensOnEveryAddressInTheirOrder) {
  Start({"127.0.0.1:0", "[::1]:0"});
  ASSERT_THAT(server_->ports(), SizeIs(2));
  const Client ipv4(server_->ports()[0], AF_INET);
  const Client ipv6(server_->ports()[1], AF_INET6);
  for (const Client* client : {&ipv4, &ipv6}) {
    client->Send("GET /metrics HTTP/1.0\r\n\r\n");
    EXPECT_THAT(client->ReceiveAll(), EndsWith("up 1\n"));
  }
}

TEST_F(ServerTest, WithoutAnAddressItListensOnBothFamilies) {
  Start({":0"});
  for (const int family : {AF_INET, AF_INET6}) {
    const Client client(port(), family);
    client.Send("GET /metrics HTTP/1.0\r\n\r\n");
    EXPECT_THAT(client.ReceiveAll(), EndsWith("up 1\n"));
  }
}

TEST_F(ServerTest, APortInUseIsUnavailableAndNamesTheAddress) {
  const std::string taken = absl::StrCat("127.0.0.1:", port());
  const absl::Status status =
      Server::Start({"127.0.0.1:0", taken}, site_, *guard_).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(status.message(), HasSubstr(taken));
}

TEST_F(ServerTest, AnAddressThatIsNoneIsInvalid) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      Server::Start({"localhost:0"}, site_, *guard_).status()));
}

TEST_F(ServerTest, ItsPortIsFreeOnceItHasEnded) {
  const std::string address = absl::StrCat("127.0.0.1:", port());
  Start({address});  // ends the one before
  EXPECT_THAT(server_->ports(), SizeIs(1));
}

}  // namespace
}  // namespace mailcow
