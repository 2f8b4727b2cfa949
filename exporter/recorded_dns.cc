#include "exporter/recorded_dns.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "collectors/parse_json.h"

namespace mailcow {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<DnsType, absl::string_view>, 9> kTypes = {{
    {DnsType::kA, "A"},
    {DnsType::kAaaa, "AAAA"},
    {DnsType::kCaa, "CAA"},
    {DnsType::kCname, "CNAME"},
    {DnsType::kMx, "MX"},
    {DnsType::kPtr, "PTR"},
    {DnsType::kSrv, "SRV"},
    {DnsType::kTlsa, "TLSA"},
    {DnsType::kTxt, "TXT"},
}};

std::string KeyOf(const DnsQuestion& question) {
  for (const auto& [type, name] : kTypes) {
    if (type == question.type) return absl::StrCat(question.name, " ", name);
  }
  return absl::StrCat(question.name, " TYPE", static_cast<int>(question.type));
}

std::optional<DnsType> TypeOf(absl::string_view key) {
  const size_t space = key.rfind(' ');
  if (space == absl::string_view::npos) return std::nullopt;
  for (const auto& [type, name] : kTypes) {
    if (key.substr(space + 1) == name) return type;
  }
  return std::nullopt;
}

absl::Status Wrong(absl::string_view key, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("dns: ", key, ": ", what));
}

// Of the numbers of a record, the first that is none.
absl::Status CheckNumbers(absl::string_view key, const json& record) {
  const auto check = [&](const char* name, int most) {
    if (!record.contains(name)) return absl::OkStatus();
    const json& number = record.at(name);
    if (number.is_number_unsigned() &&
        number.get<uint64_t>() <= static_cast<uint64_t>(most)) {
      return absl::OkStatus();
    }
    return Wrong(key, absl::StrCat(name, " is no number up to ", most));
  };
  constexpr int kMost16 = std::numeric_limits<uint16_t>::max();
  constexpr int kMost8 = std::numeric_limits<uint8_t>::max();
  for (const char* name : {"preference", "weight", "port"}) {
    absl::Status status = check(name, kMost16);
    if (!status.ok()) return status;
  }
  for (const char* name : {"usage", "selector", "matching"}) {
    absl::Status status = check(name, kMost8);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<DnsRecord> ReadFields(absl::string_view key, DnsType type,
                                     const json& in) {
  absl::Status status = CheckNumbers(key, in);
  if (!status.ok()) return status;
  switch (type) {
    case DnsType::kMx:
      return DnsRecord{.name = in.at("name"),
                       .preference = in.at("preference")};
    case DnsType::kSrv:
      return DnsRecord{.name = in.at("name"),
                       .preference = in.at("preference"),
                       .weight = in.at("weight"),
                       .port = in.at("port")};
    case DnsType::kCaa:
      return DnsRecord{.text = in.at("value"),
                       .tag = in.at("tag"),
                       .is_critical = in.value("is_critical", false)};
    case DnsType::kTlsa: {
      const std::string digits = in.at("data");
      const std::string bytes = absl::HexStringToBytes(digits);
      if (absl::BytesToHexString(bytes) != digits) {
        return Wrong(key, "data is not hexadecimal, in lower case");
      }
      return DnsRecord{.text = bytes,
                       .usage = in.at("usage"),
                       .selector = in.at("selector"),
                       .matching = in.at("matching")};
    }
    case DnsType::kA:
    case DnsType::kAaaa:
    case DnsType::kCname:
    case DnsType::kPtr:
    case DnsType::kTxt:
      break;
  }
  return Wrong(key, "a record of this type is a string");
}

absl::StatusOr<DnsRecord> ReadRecord(absl::string_view key, DnsType type,
                                     const json& in) {
  if (in.is_object()) return ReadFields(key, type, in);
  const std::string text = in;
  if (type == DnsType::kA || type == DnsType::kAaaa) {
    const auto address = ParseIpAddress(text);
    const bool is_ipv4 = type == DnsType::kA;
    if (!address.ok() ||
        (address->family == IpAddress::Family::kIpv4) != is_ipv4) {
      return Wrong(key, absl::StrCat(text, " is no address of that family"));
    }
    return DnsRecord{.address = *address};
  }
  if (type == DnsType::kTxt) return DnsRecord{.text = text};
  if (type == DnsType::kCname || type == DnsType::kPtr) {
    return DnsRecord{.name = text};
  }
  return Wrong(key, "a record of this type is an object");
}

absl::Status ReadAnswer(absl::string_view key, const json& in,
                        absl::StatusOr<DnsAnswer>& read) {
  const std::optional<DnsType> type = TypeOf(key);
  if (!type.has_value()) return Wrong(key, "not a name and a type");
  if (in.contains("error")) {
    read = absl::UnavailableError(in.at("error").get<std::string>());
    return absl::OkStatus();
  }
  DnsAnswer answer = {
      .name_exists = in.value("name_exists", true),
      .aliases = in.value("aliases", std::vector<std::string>()),
      .is_authenticated = in.value("is_authenticated", false),
      .server = in.value("server", ""),
      .round_trip = absl::Seconds(in.value("round_trip_seconds", 0.0)),
      .age = absl::Seconds(in.value("age_seconds", 0.0))};
  const json records = in.value("records", json::array());
  for (const json& record : records.get_ref<const json::array_t&>()) {
    absl::StatusOr<DnsRecord> parsed = ReadRecord(key, *type, record);
    if (!parsed.ok()) return parsed.status();
    answer.records.push_back(*std::move(parsed));
  }
  read = std::move(answer);
  return absl::OkStatus();
}

// What a server did over one protocol: "udp_seconds" or "udp_error".
absl::StatusOr<absl::Duration> ReadRoundTrip(const json& server,
                                             const std::string& protocol) {
  const std::string error = protocol + "_error";
  if (server.contains(error)) {
    return absl::UnavailableError(server.at(error).get<std::string>());
  }
  return absl::Seconds(server.at(protocol + "_seconds").get<double>());
}

}  // namespace

absl::StatusOr<RecordedDns> RecordedDns::Parse(absl::string_view text) {
  const absl::StatusOr<json> in = ParseJson(text, "the recording");
  if (!in.ok()) return absl::InvalidArgumentError(in.status().message());
  if (!in->is_object()) {
    return absl::InvalidArgumentError("a recording is a JSON object");
  }
  if (!in->contains("dns")) {
    const auto status = absl::UnavailableError("the recording has no dns");
    return RecordedDns(status, status);
  }
  if (in->at("dns").is_null()) {
    constexpr absl::string_view kNone = "this host knows no resolver";
    return RecordedDns(absl::UnavailableError(kNone),
                       absl::NotFoundError(kNone));
  }
  Answers answers;
  std::vector<DnsServer> servers;
  try {
    const json& dns = in->at("dns");
    const json said = dns.value("answers", json::object());
    for (const auto& [key, answer] : said.get_ref<const json::object_t&>()) {
      absl::Status status = ReadAnswer(key, answer, answers[key]);
      if (!status.ok()) return status;
    }
    const json asked = dns.value("servers", json::array());
    for (const json& server : asked.get_ref<const json::array_t&>()) {
      servers.push_back({.address = server.at("address"),
                         .udp = ReadRoundTrip(server, "udp"),
                         .tcp = ReadRoundTrip(server, "tcp")});
    }
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("dns: ", error.what()));
  }
  return RecordedDns(std::move(answers), std::move(servers));
}

std::vector<absl::StatusOr<DnsAnswer>> RecordedDns::Ask(
    const std::vector<DnsQuestion>& questions) const {
  std::vector<absl::StatusOr<DnsAnswer>> found;
  for (const DnsQuestion& question : questions) {
    const std::string key = KeyOf(question);
    if (!answers_.ok()) {
      found.push_back(answers_.status());
    } else if (answers_->contains(key)) {
      found.push_back(answers_->at(key));
    } else {
      found.push_back(absl::UnavailableError(
          absl::StrCat("the recording has no dns ", key)));
    }
  }
  return found;
}

}  // namespace mailcow
