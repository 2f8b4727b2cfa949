#include "exporter/web_config.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/yaml.h"

namespace mailcow {
namespace {

template <typename Value>
using Table = std::map<absl::string_view, Value>;

const Table<TlsVersion> kVersions = {{"TLS10", TlsVersion::kTls10},
                                     {"TLS11", TlsVersion::kTls11},
                                     {"TLS12", TlsVersion::kTls12},
                                     {"TLS13", TlsVersion::kTls13}};

const Table<ClientAuth> kClientAuths = {
    {"", ClientAuth::kNoClientCert},
    {"NoClientCert", ClientAuth::kNoClientCert},
    {"RequestClientCert", ClientAuth::kRequestClientCert},
    // The name of the family's first versions.
    {"RequireClientCert", ClientAuth::kRequireAnyClientCert},
    {"RequireAnyClientCert", ClientAuth::kRequireAnyClientCert},
    {"VerifyClientCertIfGiven", ClientAuth::kVerifyClientCertIfGiven},
    {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerifyClientCert}};

// CipherSuites() of Go 1.19's crypto/tls.
const std::set<absl::string_view> kCiphers = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384"};

const std::set<absl::string_view> kCurves = {"CurveP256", "CurveP384",
                                             "CurveP521", "X25519"};

// The headers that may be set, with the values they may have; none: any.
const Table<std::vector<absl::string_view>> kHeaders = {
    {"Content-Security-Policy", {}},
    {"Strict-Transport-Security", {}},
    {"X-Content-Type-Options", {"nosniff"}},
    {"X-Frame-Options", {"deny", "sameorigin"}},
    {"X-XSS-Protection", {}}};

template <typename Value>
absl::Status Assign(absl::StatusOr<Value> from, Value& to) {
  if (!from.ok()) return from.status();
  to = *std::move(from);
  return absl::OkStatus();
}

// `what` is the kind of word in a message.
template <typename Value>
absl::StatusOr<Value> ChoiceOf(const YAML::Node& node, absl::string_view file,
                               const Table<Value>& table,
                               absl::string_view what) {
  const auto word = StringOf(node, file);
  if (!word.ok()) return word.status();
  const auto row = table.find(*word);
  if (row != table.end()) return row->second;
  return YamlError(file, LineOf(node),
                   absl::StrCat("unknown ", what, " ", YamlQuoted(*word)));
}

absl::StatusOr<std::vector<std::string>> NamesOf(
    const YAML::Node& node, absl::string_view file,
    const std::set<absl::string_view>& known, absl::string_view what) {
  const auto list = ListOf(node, file);
  if (!list.ok()) return list.status();
  std::vector<std::string> names;
  for (const YAML::Node& item : *list) {
    const auto name = StringOf(item, file);
    if (!name.ok()) return name.status();
    if (known.count(*name) == 0) {
      return YamlError(file, LineOf(item),
                       absl::StrCat("unknown ", what, " ", YamlQuoted(*name)));
    }
    names.push_back(*name);
  }
  return names;
}

// What must be together, and what contradicts itself; empty if nothing does.
absl::string_view FaultIn(const TlsSettings& tls) {
  if (tls.cert_file.empty()) return "TLS without cert_file";
  if (tls.key_file.empty()) return "TLS without key_file";
  if (!tls.client_ca_file.empty() &&
      tls.client_auth == ClientAuth::kNoClientCert) {
    return "client_ca_file without a client_auth_type that asks for "
           "certificates";
  }
  if (tls.min_version > tls.max_version) {
    return "min_version is above max_version";
  }
  return "";
}

// A relative path counts from the directory of the file.
std::string InDirectoryOf(absl::string_view file, const std::string& path) {
  if (path.empty()) return path;
  return std::filesystem::path(std::string(file)).parent_path() / path;
}

// None where none of its keys needs a certificate, as in the family.
absl::StatusOr<std::optional<TlsSettings>> TlsOf(const YamlEntry& section,
                                                 absl::string_view file) {
  TlsSettings tls;
  std::string client_auth;
  const auto text = [file](std::string& to) {
    return [file, &to](const YamlEntry& entry) {
      return Assign(StringOf(entry.value, file), to);
    };
  };
  const auto names = [file](const std::set<absl::string_view>& known,
                            absl::string_view what,
                            std::vector<std::string>& to) {
    return [file, &known, what, &to](const YamlEntry& entry) {
      return Assign(NamesOf(entry.value, file, known, what), to);
    };
  };
  const auto version = [file](TlsVersion& to) {
    return [file, &to](const YamlEntry& entry) {
      return Assign(ChoiceOf(entry.value, file, kVersions, "TLS version"), to);
    };
  };
  absl::Status status = ReadEntries(
      section.value, file,
      {{"cert_file", text(tls.cert_file)},
       {"key_file", text(tls.key_file)},
       {"client_ca_file", text(tls.client_ca_file)},
       {"client_auth_type",
        [&](const YamlEntry& entry) {
          client_auth = entry.value.Scalar();
          return Assign(
              ChoiceOf(entry.value, file, kClientAuths, "client_auth_type"),
              tls.client_auth);
        }},
       {"min_version", version(tls.min_version)},
       {"max_version", version(tls.max_version)},
       {"cipher_suites", names(kCiphers, "cipher", tls.cipher_suites)},
       {"curve_preferences", names(kCurves, "curve", tls.curve_preferences)},
       {"prefer_server_cipher_suites", [&](const YamlEntry& entry) {
          return Assign(BoolOf(entry.value, file),
                        tls.prefer_server_cipher_suites);
        }}});
  if (!status.ok()) return status;
  if (tls.cert_file.empty() && tls.key_file.empty() && client_auth.empty() &&
      tls.client_ca_file.empty()) {
    return std::nullopt;
  }
  const absl::string_view fault = FaultIn(tls);
  if (!fault.empty()) return YamlError(file, section.line, fault);
  for (std::string* path :
       {&tls.cert_file, &tls.key_file, &tls.client_ca_file}) {
    *path = InDirectoryOf(file, *path);
  }
  return tls;
}

// What is wrong with a header; empty if nothing is.
std::string FaultIn(const std::string& header, absl::string_view value) {
  const auto row = kHeaders.find(header);
  if (row == kHeaders.end()) {
    return "the header " + YamlQuoted(header) + " can not be configured";
  }
  const auto is_control = [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\t';
  };
  if (std::ranges::any_of(value, is_control)) {
    return header + " has a line break or another control character";
  }
  const std::vector<absl::string_view>& allowed = row->second;
  if (!allowed.empty() && std::ranges::count(allowed, value) == 0) {
    return absl::StrCat(header, " may only be ", absl::StrJoin(allowed, ", "));
  }
  return "";
}

using Headers = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<Headers> HeadersOf(const YAML::Node& node,
                                  absl::string_view file) {
  const auto entries = EntriesOf(node, file);
  if (!entries.ok()) return entries.status();
  Headers headers;
  for (const YamlEntry& entry : *entries) {
    const auto value = StringOf(entry.value, file);
    if (!value.ok()) return value.status();
    const std::string fault = FaultIn(entry.key, *value);
    if (!fault.empty()) return YamlError(file, entry.line, fault);
    // One that is blank is not sent.
    if (!value->empty()) headers.emplace_back(entry.key, *value);
  }
  return headers;
}

// Anything else crypt(3) may take for a hash of DES. The family also takes
// "$2$", "$2x$" and what is too long, and lets nobody in with them.
bool IsBcryptHash(absl::string_view text) {
  constexpr size_t kLength = 60;
  int cost = 0;
  const auto is_in_alphabet = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
           c == '/';
  };
  return text.size() == kLength && absl::StartsWith(text, "$2") &&
         absl::StrContains("aby", text[2]) && text[3] == '$' &&
         absl::ascii_isdigit(static_cast<unsigned char>(text[4])) &&
         absl::SimpleAtoi(text.substr(4, 2), &cost) && cost >= 4 &&
         cost <= 31 && text[6] == '$' &&
         std::ranges::all_of(text.substr(7), is_in_alphabet);
}

absl::StatusOr<std::map<std::string, std::string>> UsersOf(
    const YAML::Node& node, absl::string_view file) {
  const auto entries = EntriesOf(node, file);
  if (!entries.ok()) return entries.status();
  std::map<std::string, std::string> users;
  for (const YamlEntry& entry : *entries) {
    const auto hash = StringOf(entry.value, file);
    if (!hash.ok()) return hash.status();
    if (!IsBcryptHash(*hash)) {
      return YamlError(
          file, entry.line,
          "the password of " + YamlQuoted(entry.key) + " is no bcrypt hash");
    }
    users.emplace(entry.key, *hash);
  }
  return users;
}

absl::StatusOr<int> BurstOf(const YAML::Node& node, absl::string_view file) {
  int burst = 0;
  // YAML 1.1 takes 010 for 8 and 1_0 for 10.
  if (node.IsScalar() && node.Tag() == "?" &&
      absl::SimpleAtoi(node.Scalar(), &burst) &&
      absl::StrCat(burst) == node.Scalar() && burst >= 0) {
    return burst;
  }
  return YamlError(file, LineOf(node), "burst is not a whole number");
}

absl::StatusOr<absl::Duration> IntervalOf(const YAML::Node& node,
                                          absl::string_view file) {
  const auto text = StringOf(node, file);
  if (!text.ok()) return text.status();
  absl::Duration interval;
  if (absl::ParseDuration(*text, &interval) &&
      interval >= absl::ZeroDuration() &&
      interval != absl::InfiniteDuration()) {
    return interval;
  }
  return YamlError(file, LineOf(node),
                   "interval is not a duration such as 100ms or 1m30s");
}

absl::StatusOr<std::optional<RateLimit>> RateLimitOf(const YamlEntry& section,
                                                     absl::string_view file) {
  RateLimit limit;
  absl::Status status = ReadEntries(
      section.value, file,
      {{"burst",
        [&](const YamlEntry& entry) {
          return Assign(BurstOf(entry.value, file), limit.burst);
        }},
       {"interval", [&](const YamlEntry& entry) {
          return Assign(IntervalOf(entry.value, file), limit.interval);
        }}});
  if (!status.ok()) return status;
  if (limit.interval == absl::ZeroDuration()) return std::nullopt;
  if (limit.burst == 0) {
    return YamlError(file, section.line,
                     "rate_limit without a burst refuses every request");
  }
  return limit;
}

absl::StatusOr<Headers> HttpOf(const YamlEntry& section,
                               absl::string_view file) {
  Headers headers;
  absl::Status status =
      ReadEntries(section.value, file,
                  {// HTTP/2 is an offer of the server; ours makes none.
                   {"http2",
                    [&](const YamlEntry& entry) {
                      return BoolOf(entry.value, file).status();
                    }},
                   {"headers", [&](const YamlEntry& entry) {
                      return Assign(HeadersOf(entry.value, file), headers);
                    }}});
  if (!status.ok()) return status;
  return headers;
}

}  // namespace

absl::StatusOr<WebConfig> ParseWebConfig(const std::string& text,
                                         const std::string& file) {
  const auto root = ParseYaml(text, file);
  if (!root.ok()) return root.status();
  WebConfig config;
  absl::Status status = ReadEntries(
      *root, file,
      {{"tls_server_config",
        [&](const YamlEntry& entry) {
          return Assign(TlsOf(entry, file), config.tls);
        }},
       {"http_server_config",
        [&](const YamlEntry& entry) {
          return Assign(HttpOf(entry, file), config.headers);
        }},
       {"basic_auth_users",
        [&](const YamlEntry& entry) {
          return Assign(UsersOf(entry.value, file), config.basic_auth_users);
        }},
       {"rate_limit", [&](const YamlEntry& entry) {
          return Assign(RateLimitOf(entry, file), config.rate_limit);
        }}});
  if (!status.ok()) return status;
  return config;
}

}  // namespace mailcow
