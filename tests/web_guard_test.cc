#include "exporter/web_guard.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "exporter/web_files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"
#include "tests/tls_peer.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Hashes are right for the passwords "right" and "new", in the eyes of
// FakeHash.
constexpr char kRight[] =
    "$2y$10$./ABCDEFGHIJKLMNOPQRSTright..........................";
constexpr char kNew[] =
    "$2y$10$./ABCDEFGHIJKLMNOPQRSTnew............................";
constexpr char kTls[] =
    "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n";

std::string FakeHash(const std::string& password, const std::string& setting) {
  std::string padded = password;
  padded.resize(31, '.');
  return setting.substr(0, 29) + padded;
}

std::string Users(const std::string& hash) {
  return absl::StrCat("basic_auth_users: {u: ", hash, "}\n");
}

std::string Login(const std::string& user, const std::string& password) {
  return absl::StrCat("Basic ",
                      absl::Base64Escape(absl::StrCat(user, ":", password)));
}

std::string DenyFrames(const std::string& value) {
  return absl::StrCat("http_server_config: {headers: {X-Frame-Options: ", value,
                      "}}\n");
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

class WebGuardTest : public testing::Test {
 protected:
  void Write(const std::string& config) const {
    root.Write("/web.yml", config);
  }
  void WriteIdentity(const Identity& identity) const {
    root.Write("/c.pem", identity.certificate);
    root.Write("/k.pem", identity.key);
  }

  // Looks at the files only when it is told to, unless `every` says so.
  absl::StatusOr<std::unique_ptr<WebGuard>> TryLoad(
      absl::Duration every = absl::Hours(1)) const {
    return WebGuard::Load(root.At("/web.yml"), logger,
                          {.every = every, .hash = &FakeHash});
  }
  std::unique_ptr<WebGuard> Load(absl::Duration every = absl::Hours(1)) const {
    auto guard = TryLoad(every);
    EXPECT_EQ(guard.status(), absl::OkStatus());
    return *std::move(guard);
  }
  std::unique_ptr<WebGuard> Load(const std::string& config) const {
    Write(config);
    return Load();
  }

  const FakeRoot root;
  const Logger logger = Logger(LogLevel::kInfo, LogFormat::kLogfmt);
};

TEST_F(WebGuardTest, WithoutAFileEverybodyPassesOverPlainHttp) {
  const auto guard = WebGuard::Load("", logger);
  ASSERT_TRUE(guard.ok());
  EXPECT_FALSE((*guard)->Refuse(std::nullopt).has_value());
  EXPECT_THAT((*guard)->headers(), IsEmpty());
  EXPECT_FALSE((*guard)->has_tls());
  EXPECT_FALSE((*guard)->authenticates());
  EXPECT_EQ((*guard)->ssl_context(), nullptr);
  EXPECT_EQ((*guard)->Reload(), absl::OkStatus());
  EXPECT_TRUE((*guard)->last_reload_successful());
}

TEST_F(WebGuardTest, EmptyFileIsAsNone) {
  const auto guard = Load("");
  EXPECT_FALSE(guard->Refuse(std::nullopt).has_value());
  EXPECT_FALSE(guard->has_tls());
}

TEST_F(WebGuardTest, MissingFileIsNamed) {
  const absl::Status status = TryLoad().status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), HasSubstr(root.At("/web.yml").string()));
}

TEST_F(WebGuardTest, BrokenFileIsNamedWithItsLine) {
  Write("\nnonsense: 1\n");
  const absl::Status status = TryLoad().status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(),
              HasSubstr(absl::StrCat(root.At("/web.yml").string(), ":2")));
}

TEST_F(WebGuardTest, MissingCertificateKeyAndAuthorityAreNamed) {
  Write(
      "tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n"
      "  client_auth_type: RequireAndVerifyClientCert\n"
      "  client_ca_file: ca.pem\n");
  EXPECT_THAT(TryLoad().status().message(), HasSubstr("/c.pem"));
  const Identity identity = MakeIdentity("server");
  root.Write("/c.pem", identity.certificate);
  EXPECT_THAT(TryLoad().status().message(), HasSubstr("/k.pem"));
  root.Write("/k.pem", identity.key);
  EXPECT_THAT(TryLoad().status().message(), HasSubstr("/ca.pem"));
  root.Write("/ca.pem", identity.certificate);
  EXPECT_EQ(TryLoad().status(), absl::OkStatus());
}

TEST_F(WebGuardTest, WhoGivesNoPasswordIsRefusedAsByTheFamily) {
  const auto guard = Load(Users(kRight));
  const auto refusal = guard->Refuse(std::nullopt);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 401);
  EXPECT_EQ(refusal->body, "Unauthorized\n");
  EXPECT_THAT(refusal->headers, ElementsAre(Pair("WWW-Authenticate", "Basic")));
}

TEST_F(WebGuardTest, OnlyTheRightPasswordPasses) {
  const auto guard = Load(Users(kRight));
  EXPECT_FALSE(guard->Refuse(Login("u", "right")).has_value());
  EXPECT_EQ(guard->Refuse(Login("u", "wrong"))->status, 401);
  EXPECT_EQ(guard->Refuse(Login("nobody", "right"))->status, 401);
  EXPECT_EQ(guard->Refuse("Bearer u:right")->status, 401);
}

TEST_F(WebGuardTest, HashesWithBcryptUnlessTold) {
  Write(Users("$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga"));
  const auto guard = WebGuard::Load(root.At("/web.yml"), logger);
  ASSERT_TRUE(guard.ok());
  EXPECT_FALSE((*guard)->Refuse(Login("u", "allmine")).has_value());
}

TEST_F(WebGuardTest, TooManyRequestsAreRefusedBeforeAnyPassword) {
  const auto guard =
      Load(Users(kRight) + "rate_limit: {burst: 2, interval: 1h}\n");
  EXPECT_EQ(guard->Refuse(std::nullopt)->status, 401);
  EXPECT_FALSE(guard->Refuse(Login("u", "right")).has_value());
  const auto refusal = guard->Refuse(Login("u", "right"));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 429);
  EXPECT_EQ(refusal->body, "Too Many Requests\n");
  EXPECT_THAT(refusal->headers, IsEmpty());
}

TEST_F(WebGuardTest, ReloadRefillsNoLimitThatStays) {
  const std::string limit = "rate_limit: {burst: 1, interval: 1h}\n";
  const auto guard = Load(limit);
  EXPECT_FALSE(guard->Refuse(std::nullopt).has_value());
  Write(limit + DenyFrames("deny"));
  ASSERT_EQ(guard->Reload(), absl::OkStatus());
  EXPECT_EQ(guard->Refuse(std::nullopt)->status, 429);
}

TEST_F(WebGuardTest, ReloadTakesAnotherLimit) {
  const auto guard = Load("rate_limit: {burst: 1, interval: 1h}\n");
  for (const std::string other :
       {"{burst: 2, interval: 1h}", "{burst: 2, interval: 2h}"}) {
    Write(absl::StrCat("rate_limit: ", other, "\n"));
    ASSERT_EQ(guard->Reload(), absl::OkStatus());
    EXPECT_FALSE(guard->Refuse(std::nullopt).has_value());
    EXPECT_FALSE(guard->Refuse(std::nullopt).has_value());
    EXPECT_EQ(guard->Refuse(std::nullopt)->status, 429);
  }
  Write("");
  ASSERT_EQ(guard->Reload(), absl::OkStatus());
  EXPECT_FALSE(guard->Refuse(std::nullopt).has_value());
}

TEST_F(WebGuardTest, WhoCannotHaveATurnIsToldToComeBack) {
  std::atomic<int> hashing = 0;
  std::atomic<bool> may_end = false;
  const auto slow = [&](const std::string&, const std::string&) {
    ++hashing;
    while (!may_end) std::this_thread::yield();
    return std::string();
  };
  Write(Users(kRight));
  const auto guard = WebGuard::Load(root.At("/web.yml"), logger,
                                    {.every = absl::Hours(1), .hash = slow});
  ASSERT_TRUE(guard.ok());
  // One has its turn and eight wait for it; which of these twelve these are is
  // not told.
  std::atomic<int> turned_away = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&] {
      const auto refusal = (*guard)->Refuse(Login("u", "wrong"));
      if (refusal->status != 503) return;
      EXPECT_EQ(refusal->body, "Service Unavailable\n");
      EXPECT_THAT(refusal->headers, ElementsAre(Pair("Retry-After", "1")));
      ++turned_away;
    });
  }
  EXPECT_TRUE(Eventually([&] { return turned_away >= 3; }));
  may_end = true;
  for (std::thread& client : clients) client.join();
}

TEST_F(WebGuardTest, EveryResponseCarriesTheHeaders) {
  const auto guard = Load(DenyFrames("deny"));
  EXPECT_THAT(guard->headers(), ElementsAre(Pair("X-Frame-Options", "deny")));
}

TEST_F(WebGuardTest, AuthenticatesByPasswordOrVerifiedCertificate) {
  EXPECT_TRUE(Load(Users(kRight))->authenticates());
  const Identity identity = MakeIdentity("server");
  WriteIdentity(identity);
  root.Write("/ca.pem", identity.certificate);
  const auto authenticates = [this](const std::string& client_auth) {
    return Load(absl::StrCat("tls_server_config:\n  cert_file: c.pem\n"
                             "  key_file: k.pem\n  client_ca_file: ca.pem\n"
                             "  client_auth_type: ",
                             client_auth, "\n"))
        ->authenticates();
  };
  EXPECT_TRUE(authenticates("RequireAndVerifyClientCert"));
  EXPECT_FALSE(authenticates("VerifyClientCertIfGiven"));
  EXPECT_FALSE(authenticates("RequireAnyClientCert"));
  EXPECT_FALSE(Load(kTls)->authenticates());
}

TEST_F(WebGuardTest, OldPasswordFailsAtOnceAfterAReload) {
  const auto guard = Load(Users(kRight));
  EXPECT_FALSE(guard->Refuse(Login("u", "right")).has_value());
  Write(Users(kNew));
  ASSERT_EQ(guard->Reload(), absl::OkStatus());
  EXPECT_EQ(guard->Refuse(Login("u", "right"))->status, 401);
  EXPECT_FALSE(guard->Refuse(Login("u", "new")).has_value());
}

TEST_F(WebGuardTest, WhatWasInForceStaysWhenAReloadFails) {
  const auto guard = Load(Users(kRight) + DenyFrames("deny"));
  Write("nonsense");
  EXPECT_TRUE(absl::IsInvalidArgument(guard->Reload()));
  EXPECT_FALSE(guard->last_reload_successful());
  EXPECT_EQ(guard->Refuse(std::nullopt)->status, 401);
  EXPECT_THAT(guard->headers(), ElementsAre(Pair("X-Frame-Options", "deny")));
  Write("");
  EXPECT_EQ(guard->Reload(), absl::OkStatus());
  EXPECT_TRUE(guard->last_reload_successful());
  EXPECT_FALSE(guard->Refuse(std::nullopt).has_value());
}

TEST_F(WebGuardTest, TlsCannotBeTurnedOnOrOff) {
  WriteIdentity(MakeIdentity("server"));
  const auto plain = Load("");
  Write(kTls);
  const absl::Status status = plain->Reload();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("takes a restart"));
  EXPECT_FALSE(plain->last_reload_successful());
  EXPECT_FALSE(plain->has_tls());
  const auto secure = Load();
  EXPECT_TRUE(secure->has_tls());
  Write("");
  EXPECT_TRUE(absl::IsFailedPrecondition(secure->Reload()));
  EXPECT_TRUE(Meet(secure->ssl_context()).succeeded);
}

TEST_F(WebGuardTest, ReloadServesANewCertificate) {
  WriteIdentity(MakeIdentity("old"));
  const auto guard = Load(kTls);
  EXPECT_THAT(Meet(guard->ssl_context()).server_chain, ElementsAre("old"));
  WriteIdentity(MakeIdentity("new"));
  EXPECT_THAT(Meet(guard->ssl_context()).server_chain, ElementsAre("old"));
  ASSERT_EQ(guard->Reload(), absl::OkStatus());
  EXPECT_THAT(Meet(guard->ssl_context()).server_chain, ElementsAre("new"));
}

TEST_F(WebGuardTest, ChangedFileCountsByItself) {
  Write(DenyFrames("deny"));
  const auto guard = Load(absl::Milliseconds(1));
  testing::internal::CaptureStderr();
  Write(DenyFrames("sameorigin"));
  EXPECT_TRUE(Eventually([&] {
    return guard->headers() == Headers{{"X-Frame-Options", "sameorigin"}};
  }));
  EXPECT_TRUE(guard->last_reload_successful());
  testing::internal::GetCapturedStderr();
}

TEST_F(WebGuardTest, ChangedCertificateCountsByItself) {
  WriteIdentity(MakeIdentity("old"));
  Write(kTls);
  const auto guard = Load(absl::Milliseconds(1));
  testing::internal::CaptureStderr();
  WriteIdentity(MakeIdentity("new"));
  EXPECT_TRUE(Eventually([&] {
    return Meet(guard->ssl_context()).server_chain ==
           std::vector<std::string>{"new"};
  }));
  testing::internal::GetCapturedStderr();
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST_F(WebGuardTest, EachVersionIsLoggedOnce) {
  Write("");
  const auto guard = Load(absl::Milliseconds(1));
  testing::internal::CaptureStderr();
  std::filesystem::remove(root.At("/web.yml"));
  EXPECT_TRUE(Eventually([&] { return !guard->last_reload_successful(); }));
  root.Write("/new.yml", DenyFrames("deny"));
  std::filesystem::rename(root.At("/new.yml"), root.At("/web.yml"));
  EXPECT_TRUE(Eventually([&] { return guard->last_reload_successful(); }));
  // Not until then has the thread written its line.
  std::filesystem::remove(root.At("/web.yml"));
  EXPECT_TRUE(Eventually([&] { return !guard->last_reload_successful(); }));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(Count(log, "msg=\"web configuration reloaded\""), 1) << log;
  EXPECT_GE(Count(log, "level=error"), 1) << log;
  EXPECT_LE(Count(log, "level=error"), 2) << log;
  EXPECT_THAT(log, HasSubstr("web.yml"));
}

class WebFilesTest : public WebGuardTest {
 protected:
  WebFiles files{root.At("/web.yml")};
};

TEST_F(WebFilesTest, WhatWasReadIsNoChange) {
  Write("");
  ASSERT_TRUE(files.Read().ok());
  EXPECT_FALSE(files.HaveSettledChange());
  EXPECT_FALSE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, ChangeCountsOnceItStoodForALook) {
  Write("");
  ASSERT_TRUE(files.Read().ok());
  Write(DenyFrames("deny"));
  EXPECT_FALSE(files.HaveSettledChange());
  Write(DenyFrames("sameorigin"));
  EXPECT_FALSE(files.HaveSettledChange());
  EXPECT_TRUE(files.HaveSettledChange());
  ASSERT_TRUE(files.Read().ok());
  EXPECT_FALSE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, BrokenVersionIsNoChangeOnceItWasRead) {
  Write("nonsense");
  ASSERT_FALSE(files.Read().ok());
  EXPECT_FALSE(files.HaveSettledChange());
  EXPECT_FALSE(files.HaveSettledChange());
  Write("");
  EXPECT_FALSE(files.HaveSettledChange());
  EXPECT_TRUE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, FileThatIsMissingIsAVersionToo) {
  Write(kTls);
  ASSERT_FALSE(files.Read().ok());
  EXPECT_FALSE(files.HaveSettledChange());
  EXPECT_FALSE(files.HaveSettledChange());
  WriteIdentity(MakeIdentity("server"));
  EXPECT_FALSE(files.HaveSettledChange());
  EXPECT_TRUE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, NoticesEachOfTheFiles) {
  const Identity identity = MakeIdentity("server");
  for (const char* name : {"/web.yml", "/c.pem", "/k.pem", "/ca.pem"}) {
    SCOPED_TRACE(name);
    WriteIdentity(identity);
    root.Write("/ca.pem", identity.certificate);
    Write(
        "tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n"
        "  client_ca_file: ca.pem\n  client_auth_type: RequestClientCert\n");
    ASSERT_EQ(files.Read().status(), absl::OkStatus());
    root.Write(name, "other");
    files.HaveSettledChange();
    EXPECT_TRUE(files.HaveSettledChange());
  }
}

TEST_F(WebFilesTest, NoticesAnotherFileBehindALink) {
  root.Write("/one.yml", DenyFrames("deny"));
  root.Write("/two.yml", DenyFrames("deny"));
  root.Link("one.yml", "/web.yml");
  ASSERT_TRUE(files.Read().ok());
  std::filesystem::remove(root.At("/web.yml"));
  root.Link("two.yml", "/web.yml");
  files.HaveSettledChange();
  EXPECT_TRUE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, NoticesAChangeOfTheFileBehindALink) {
  root.Write("/one.yml", "");
  root.Link("one.yml", "/web.yml");
  ASSERT_TRUE(files.Read().ok());
  root.Write("/one.yml", DenyFrames("deny"));
  files.HaveSettledChange();
  EXPECT_TRUE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, NoticesAnotherTimeOfAFileThatIsOtherwiseTheSame) {
  Write("");
  ASSERT_TRUE(files.Read().ok());
  std::filesystem::last_write_time(root.At("/web.yml"),
                                   std::filesystem::file_time_type());
  files.HaveSettledChange();
  EXPECT_TRUE(files.HaveSettledChange());
}

TEST_F(WebFilesTest, SystemVouchesForClientsWhereNoFileIsNamed) {
  WriteIdentity(MakeIdentity("server"));
  Write(
      "tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n"
      "  client_auth_type: RequireAndVerifyClientCert\n");
  const auto settings = files.Read();
  if (std::filesystem::exists("/etc/ssl/certs/ca-certificates.crt")) {
    EXPECT_EQ(settings.status(), absl::OkStatus());
  } else {
    EXPECT_THAT(settings.status().message(), HasSubstr("ca-certificates.crt"));
  }
}

TEST_F(WebFilesTest, NothingButAFileIsRead) {
  std::filesystem::create_directory(root.At("/web.yml"));
  EXPECT_TRUE(absl::IsDataLoss(files.Read().status()));
  std::filesystem::remove(root.At("/web.yml"));
  ASSERT_EQ(mkfifo(root.At("/web.yml").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsDataLoss(files.Read().status()));
}

}  // namespace
}  // namespace mailcow
