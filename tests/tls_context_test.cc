#include "exporter/tls_context.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/tls_peer.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kRsaSuite[] = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";

TlsFiles FilesOf(const Identity& server, const std::string& client_ca = "") {
  return {.certificate = server.certificate,
          .key = server.key,
          .client_ca = client_ca};
}

TlsSettings Settings() {
  return {.cert_file = "/c.pem", .key_file = "/k.pem", .client_ca_file = ""};
}

TlsSettings Settings(ClientAuth client_auth) {
  TlsSettings settings = Settings();
  settings.client_ca_file = "/ca.pem";
  settings.client_auth = client_auth;
  return settings;
}

TlsSettings Settings(TlsVersion min, TlsVersion max) {
  TlsSettings settings = Settings();
  settings.min_version = min;
  settings.max_version = max;
  return settings;
}

std::shared_ptr<const TlsTerms> MustMake(const TlsSettings& settings,
                                         const TlsFiles& files) {
  auto terms = TlsTerms::Make(settings, files);
  EXPECT_EQ(terms.status(), absl::OkStatus());
  return *terms;
}

class Tls : public testing::Test {
 protected:
  // How a client fares under the terms.
  static Meeting MeetUnder(const TlsSettings& settings, const TlsFiles& files,
                           const TlsClient& how = {}) {
    const auto context = TlsContext::Make(MustMake(settings, files));
    return Meet((*context)->get(), how);
  }
  Meeting MeetUnder(const TlsSettings& settings,
                    const TlsClient& how = {}) const {
    return MeetUnder(settings, FilesOf(server, authority.certificate), how);
  }

  const Identity server = MakeIdentity("server");
  const Identity authority =
      MakeIdentity("authority", nullptr, {.is_authority = true});
  const Identity client = MakeIdentity("client", &authority);
  const Identity stranger = MakeIdentity("stranger");
};

TEST_F(Tls, ServesTheWholeChainOfTheFile) {
  const Identity issued = MakeIdentity("issued", &authority);
  const Meeting meeting = MeetUnder(
      Settings(), {.certificate = issued.certificate + authority.certificate,
                   .key = issued.key,
                   .client_ca = ""});
  EXPECT_TRUE(meeting.succeeded);
  EXPECT_THAT(meeting.server_chain, ElementsAre("issued", "authority"));
}

TEST_F(Tls, ServesNoCertificateThatTheFileDoesNotHold) {
  const Identity issued = MakeIdentity("issued", &authority);
  const Meeting meeting =
      MeetUnder(Settings(ClientAuth::kVerifyClientCertIfGiven),
                FilesOf(issued, authority.certificate));
  EXPECT_THAT(meeting.server_chain, ElementsAre("issued"));
}

TEST_F(Tls, KeyMayStandInTheFileOfTheCertificate) {
  const std::string both = server.key + server.certificate;
  EXPECT_TRUE(
      MeetUnder(Settings(), {.certificate = both, .key = both, .client_ca = ""})
          .succeeded);
}

TEST_F(Tls, SpeaksFromTls12ToTls13ByDefault) {
  EXPECT_FALSE(MeetUnder(Settings(), {.version = TLS1_VERSION}).succeeded);
  EXPECT_FALSE(MeetUnder(Settings(), {.version = TLS1_1_VERSION}).succeeded);
  EXPECT_TRUE(MeetUnder(Settings(), {.version = TLS1_2_VERSION}).succeeded);
  EXPECT_TRUE(MeetUnder(Settings(), {.version = TLS1_3_VERSION}).succeeded);
  EXPECT_EQ(MeetUnder(Settings()).version, TLS1_3_VERSION);
}

TEST_F(Tls, SpeaksNothingOlderThanTheOldestVersion) {
  const TlsSettings tls13 = Settings(TlsVersion::kTls13, TlsVersion::kTls13);
  EXPECT_FALSE(MeetUnder(tls13, {.version = TLS1_2_VERSION}).succeeded);
  EXPECT_TRUE(MeetUnder(tls13, {.version = TLS1_3_VERSION}).succeeded);
  const TlsSettings tls11 = Settings(TlsVersion::kTls11, TlsVersion::kTls13);
  EXPECT_FALSE(MeetUnder(tls11, {.version = TLS1_VERSION}).succeeded);
  EXPECT_TRUE(MeetUnder(tls11, {.version = TLS1_1_VERSION}).succeeded);
  const TlsSettings tls10 = Settings(TlsVersion::kTls10, TlsVersion::kTls13);
  EXPECT_TRUE(MeetUnder(tls10, {.version = TLS1_VERSION}).succeeded);
  EXPECT_EQ(MeetUnder(tls10).version, TLS1_3_VERSION);
}

TEST_F(Tls, SpeaksNothingNewerThanTheNewestVersion) {
  const TlsSettings tls12 = Settings(TlsVersion::kTls12, TlsVersion::kTls12);
  EXPECT_FALSE(MeetUnder(tls12, {.version = TLS1_3_VERSION}).succeeded);
  EXPECT_EQ(MeetUnder(tls12).version, TLS1_2_VERSION);
  const TlsSettings tls10 = Settings(TlsVersion::kTls10, TlsVersion::kTls10);
  EXPECT_EQ(MeetUnder(tls10).version, TLS1_VERSION);
  EXPECT_FALSE(MeetUnder(tls10, {.version = TLS1_1_VERSION}).succeeded);
}

TEST_F(Tls, OffersForwardSecrecyOnlyByDefault) {
  const Identity rsa = MakeIdentity("rsa", nullptr, {.is_rsa = true});
  const TlsFiles files = FilesOf(rsa);
  const auto offer = [&](const std::string& ciphers) {
    return MeetUnder(Settings(), files,
                     {.version = TLS1_2_VERSION, .ciphers = ciphers});
  };
  EXPECT_TRUE(offer("ECDHE-RSA-CHACHA20-POLY1305").succeeded);
  EXPECT_TRUE(offer("ECDHE-RSA-AES128-SHA").succeeded);
  EXPECT_FALSE(offer("AES128-GCM-SHA256").succeeded);
}

TEST_F(Tls, SpeaksTheCiphersThatAreNamedAlone) {
  const Identity rsa = MakeIdentity("rsa", nullptr, {.is_rsa = true});
  TlsSettings settings = Settings();
  settings.cipher_suites = {kRsaSuite, "TLS_RSA_WITH_AES_128_GCM_SHA256"};
  const TlsFiles files = FilesOf(rsa);
  const auto offer = [&](const std::string& ciphers) {
    return MeetUnder(settings, files,
                     {.version = TLS1_2_VERSION, .ciphers = ciphers});
  };
  EXPECT_EQ(offer("ALL").cipher, "ECDHE-RSA-AES256-GCM-SHA384");
  EXPECT_TRUE(offer("AES128-GCM-SHA256").succeeded);
  EXPECT_FALSE(offer("ECDHE-RSA-AES128-GCM-SHA256").succeeded);
  EXPECT_TRUE(
      MeetUnder(settings, files, {.version = TLS1_3_VERSION}).succeeded);
}

TEST_F(Tls, PrefersItsOwnOrderOfCiphersUnlessTold) {
  TlsSettings settings = Settings(TlsVersion::kTls12, TlsVersion::kTls12);
  settings.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
  const TlsClient other_way = {
      .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"};
  EXPECT_EQ(MeetUnder(settings, other_way).cipher,
            "ECDHE-ECDSA-AES256-GCM-SHA384");
  settings.prefer_server_cipher_suites = false;
  EXPECT_EQ(MeetUnder(settings, other_way).cipher,
            "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(Tls, CiphersOfTls13AloneLeaveNoOlderVersion) {
  TlsSettings settings = Settings();
  settings.cipher_suites = {"TLS_AES_128_GCM_SHA256"};
  EXPECT_TRUE(MeetUnder(settings, {.version = TLS1_3_VERSION}).succeeded);
  EXPECT_FALSE(MeetUnder(settings, {.version = TLS1_2_VERSION}).succeeded);
}

TEST_F(Tls, KnowsEveryCipherOfGo) {
  for (const char* suite :
       {"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"}) {
    TlsSettings settings = Settings();
    settings.cipher_suites = {suite};
    EXPECT_TRUE(TlsTerms::Make(settings, FilesOf(server)).ok()) << suite;
  }
}

TEST_F(Tls, AgreesOnTheCurvesThatAreNamedAlone) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsSettings settings = Settings();
    settings.curve_preferences = {"CurveP384", "CurveP521"};
    EXPECT_EQ(MeetUnder(settings, {.version = version}).group, "secp384r1");
    EXPECT_EQ(MeetUnder(settings, {.version = version, .groups = "P-521:P-256"})
                  .group,
              "secp521r1");
    EXPECT_FALSE(
        MeetUnder(settings, {.version = version, .groups = "X25519:P-256"})
            .succeeded);
  }
}

TEST_F(Tls, KnowsEveryCurveOfTheFormat) {
  TlsSettings settings = Settings();
  settings.curve_preferences = {"X25519"};
  EXPECT_EQ(MeetUnder(settings).group, "X25519");
  settings.curve_preferences = {"CurveP256"};
  EXPECT_EQ(MeetUnder(settings).group, "prime256v1");
}

TEST_F(Tls, AsksNoClientForACertificateByDefault) {
  const Meeting meeting = MeetUnder(Settings());
  EXPECT_TRUE(meeting.succeeded);
  EXPECT_FALSE(meeting.was_asked_for_certificate);
}

// What each kind of client authentication makes of a client without a
// certificate, with one that the authority issued, and with a stranger's.
struct ClientAuthCase {
  ClientAuth client_auth;
  bool takes_none;
  bool takes_stranger;
};

TEST_F(Tls, ClientAuthTellsWhoMayPass) {
  for (const ClientAuthCase& test :
       {ClientAuthCase{ClientAuth::kRequestClientCert, true, true},
        ClientAuthCase{ClientAuth::kRequireAnyClientCert, false, true},
        ClientAuthCase{ClientAuth::kVerifyClientCertIfGiven, true, false},
        ClientAuthCase{ClientAuth::kRequireAndVerifyClientCert, false,
                       false}}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(test.client_auth)
                                      << " with version " << version);
      const TlsSettings settings = Settings(test.client_auth);
      EXPECT_EQ(MeetUnder(settings, {.version = version}).succeeded,
                test.takes_none);
      EXPECT_EQ(MeetUnder(settings, {.identity = &stranger, .version = version})
                    .succeeded,
                test.takes_stranger);
      const Meeting meeting =
          MeetUnder(settings, {.identity = &client, .version = version});
      EXPECT_TRUE(meeting.succeeded);
      EXPECT_TRUE(meeting.server_saw_certificate);
    }
  }
}

TEST_F(Tls, TellsClientsWhichAuthoritiesItTakes) {
  const Meeting meeting =
      MeetUnder(Settings(ClientAuth::kVerifyClientCertIfGiven));
  EXPECT_TRUE(meeting.was_asked_for_certificate);
  EXPECT_THAT(meeting.authorities, ElementsAre("authority"));
}

TEST_F(Tls, AsksForAnyCertificateWithoutNamingAuthorities) {
  TlsSettings settings = Settings(ClientAuth::kRequestClientCert);
  settings.client_ca_file = "";
  const Meeting meeting = MeetUnder(settings);
  EXPECT_TRUE(meeting.was_asked_for_certificate);
  EXPECT_THAT(meeting.authorities, IsEmpty());
}

TEST_F(Tls, ServersCertificateIsNoClients) {
  const Identity other =
      MakeIdentity("other", &authority, {.is_for_servers_only = true});
  EXPECT_FALSE(MeetUnder(Settings(ClientAuth::kRequireAndVerifyClientCert),
                         {.identity = &other})
                   .succeeded);
}

TEST_F(Tls, TakesWhateverTheFileOfAuthoritiesHolds) {
  const TlsSettings settings =
      Settings(ClientAuth::kRequireAndVerifyClientCert);
  // A client's own certificate, an intermediate without its root, and several.
  EXPECT_TRUE(MeetUnder(settings, FilesOf(server, stranger.certificate),
                        {.identity = &stranger})
                  .succeeded);
  const Identity intermediate =
      MakeIdentity("intermediate", &authority, {.is_authority = true});
  const Identity below = MakeIdentity("below", &intermediate);
  EXPECT_TRUE(MeetUnder(settings, FilesOf(server, intermediate.certificate),
                        {.identity = &below})
                  .succeeded);
  EXPECT_TRUE(MeetUnder(settings,
                        FilesOf(server, authority.certificate +
                                            intermediate.certificate),
                        {.identity = &below})
                  .succeeded);
}

TEST_F(Tls, NoSessionCanBeResumed) {
  EXPECT_FALSE(MeetUnder(Settings(), {.version = TLS1_2_VERSION}).has_session);
  EXPECT_FALSE(MeetUnder(Settings(), {.version = TLS1_3_VERSION}).has_session);
}

TEST_F(Tls, NewTermsCountFromTheNextHandshakeOn) {
  const auto context = TlsContext::Make(MustMake(Settings(), FilesOf(server)));
  EXPECT_THAT(Meet((*context)->get()).server_chain, ElementsAre("server"));
  const Identity renewed = MakeIdentity("renewed");
  TlsSettings stricter = Settings(ClientAuth::kRequireAndVerifyClientCert);
  stricter.max_version = TlsVersion::kTls12;
  stricter.cipher_suites = {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"};
  stricter.curve_preferences = {"CurveP521", "CurveP256"};
  (*context)->Use(MustMake(stricter, FilesOf(renewed, authority.certificate)));
  EXPECT_FALSE(Meet((*context)->get()).succeeded);
  const Meeting meeting = Meet((*context)->get(), {.identity = &client});
  EXPECT_THAT(meeting.server_chain, ElementsAre("renewed"));
  EXPECT_EQ(meeting.version, TLS1_2_VERSION);
  EXPECT_EQ(meeting.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(meeting.group, "secp521r1");
  (*context)->Use(MustMake(Settings(), FilesOf(server)));
  EXPECT_TRUE(Meet((*context)->get()).succeeded);
}

TEST_F(Tls, HandshakeUnderWayKeepsItsTerms) {
  const auto context = TlsContext::Make(MustMake(Settings(), FilesOf(server)));
  SSL* ssl = SSL_new((*context)->get());
  ASSERT_TRUE(MustMake(Settings(), FilesOf(server))->ApplyTo(ssl));
  // The terms are gone, but for what the connection holds.
  EXPECT_NE(SSL_get_certificate(ssl), nullptr);
  SSL_free(ssl);
}

absl::Status Refused(const TlsSettings& settings, const TlsFiles& files) {
  return TlsTerms::Make(settings, files).status();
}

TEST_F(Tls, KeyOfAnotherCertificateIsRefused) {
  const absl::Status status =
      Refused(Settings(), {.certificate = server.certificate,
                           .key = stranger.key,
                           .client_ca = ""});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "/k.pem does not belong to /c.pem");
}

TEST_F(Tls, KeyOfAnotherKindIsRefused) {
  const Identity rsa = MakeIdentity("rsa", nullptr, {.is_rsa = true});
  EXPECT_EQ(Refused(Settings(), {.certificate = server.certificate,
                                 .key = rsa.key,
                                 .client_ca = ""})
                .message(),
            "/k.pem does not belong to /c.pem");
}

TEST_F(Tls, EncryptedKeyIsRefusedWithoutAsking) {
  EVP_PKEY* key = ReadKey(server.key);
  for (const std::string passphrase : {"secret", "x"}) {
    const absl::Status status =
        Refused(Settings(), {.certificate = server.certificate,
                             .key = WriteKey(key, passphrase),
                             .client_ca = ""});
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_EQ(status.message(), "/k.pem: is encrypted");
  }
  EVP_PKEY_free(key);
}

TEST_F(Tls, FileWithoutCertificateIsRefused) {
  for (const std::string& text :
       {std::string(), server.key, std::string("nonsense\n")}) {
    const absl::Status status = Refused(
        Settings(), {.certificate = text, .key = server.key, .client_ca = ""});
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_EQ(status.message(), "/c.pem: holds no certificate");
  }
}

TEST_F(Tls, CertificateThatIsCutOffIsRefused) {
  const std::string half =
      server.certificate.substr(0, server.certificate.size() / 2);
  EXPECT_TRUE(absl::IsInvalidArgument(Refused(
      Settings(), {.certificate = half, .key = server.key, .client_ca = ""})));
  // Nor is the rest of a chain left out.
  EXPECT_TRUE(absl::IsInvalidArgument(
      Refused(Settings(), {.certificate = server.certificate + half,
                           .key = server.key,
                           .client_ca = ""})));
}

TEST_F(Tls, FileWithoutKeyIsRefused) {
  for (const std::string& text : {std::string(), server.certificate}) {
    const absl::Status status = Refused(
        Settings(),
        {.certificate = server.certificate, .key = text, .client_ca = ""});
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(status.message(), HasSubstr("/k.pem: holds no private key"));
  }
}

TEST_F(Tls, FileWithoutAuthorityIsRefused) {
  const absl::Status status = Refused(
      Settings(ClientAuth::kRequireAndVerifyClientCert), FilesOf(server, ""));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "/ca.pem: holds no certificate");
}

TEST_F(Tls, SettingsThatLeaveNoVersionAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(Refused(
      Settings(TlsVersion::kTls13, TlsVersion::kTls12), FilesOf(server))));
  TlsSettings settings = Settings(TlsVersion::kTls12, TlsVersion::kTls12);
  settings.cipher_suites = {"TLS_AES_128_GCM_SHA256"};
  EXPECT_TRUE(absl::IsInvalidArgument(Refused(settings, FilesOf(server))));
}

TEST_F(Tls, NameThatOpenSslDoesNotKnowIsRefused) {
  TlsSettings settings = Settings();
  settings.cipher_suites = {"TLS_NONSENSE_WITH_NOTHING"};
  EXPECT_THAT(Refused(settings, FilesOf(server)).message(),
              HasSubstr("TLS_NONSENSE_WITH_NOTHING"));
  settings.cipher_suites = {};
  settings.curve_preferences = {"CurveP1"};
  EXPECT_THAT(Refused(settings, FilesOf(server)).message(),
              HasSubstr("curve_preferences"));
}

}  // namespace
}  // namespace mailcow
