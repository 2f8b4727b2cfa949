#include "exporter/dns_message.h"

#include <arpa/nameser.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "exporter/dns_rdata.h"

namespace mailcow {
namespace {

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("its answer ", what));
}

// The bytes of a name. InvalidArgument.
absl::StatusOr<std::string> PackName(absl::string_view name) {
  const bool is_printable =
      std::all_of(name.begin(), name.end(), absl::ascii_isgraph);
  std::array<unsigned char, NS_MAXCDNAME> packed;
  const int size =
      !is_printable ? -1
                    : ns_name_compress(std::string(name).c_str(), packed.data(),
                                       packed.size(), nullptr, nullptr);
  if (size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\" is no domain name"));
  }
  return std::string(packed.begin(), packed.begin() + size);
}

void AppendNumber(std::string& message, int number) {
  message.push_back(static_cast<char>(number >> 8 & 0xff));
  message.push_back(static_cast<char>(number & 0xff));
}

std::string ErrorName(int rcode) {
  switch (rcode) {
    case ns_r_formerr:
      return "FORMERR";
    case ns_r_servfail:
      return "SERVFAIL";
    case ns_r_notimpl:
      return "NOTIMP";
    case ns_r_refused:
      return "REFUSED";
    default:
      return absl::StrCat("error ", rcode);
  }
}

using Records = std::vector<ns_rr>;

absl::Status ReadSection(ns_msg& message, ns_sect section, Records& records) {
  for (int i = 0; i < ns_msg_count(message, section); ++i) {
    ns_rr record;
    if (ns_parserr(&message, section, i, &record) < 0) {
      return Malformed("has a malformed record");
    }
    records.push_back(record);
  }
  return absl::OkStatus();
}

struct Message {
  ns_msg parsed;
  Records answers;
  Records authority;
  Records additional;
};

absl::StatusOr<Message> ReadMessage(absl::string_view bytes) {
  Message message;
  if (bytes.size() > NS_MAXMSG ||
      ns_initparse(reinterpret_cast<const unsigned char*>(bytes.data()),
                   static_cast<int>(bytes.size()), &message.parsed) < 0) {
    return Malformed("is malformed");
  }
  if (ns_msg_getflag(message.parsed, ns_f_qr) == 0) {
    return Malformed("is a question");
  }
  for (const absl::Status& status :
       {ReadSection(message.parsed, ns_s_an, message.answers),
        ReadSection(message.parsed, ns_s_ns, message.authority),
        ReadSection(message.parsed, ns_s_ar, message.additional)}) {
    if (!status.ok()) return status;
  }
  return message;
}

// EDNS has room for the first bits of the code (RFC 6891, section 6.1.3).
int ErrorOf(const Message& message) {
  int rcode = ns_msg_getflag(message.parsed, ns_f_rcode);
  for (const ns_rr& record : message.additional) {
    if (ns_rr_type(record) != ns_t_opt) continue;
    rcode |= static_cast<int>(ns_rr_ttl(record) >> 24) << 4;
  }
  return rcode;
}

absl::Status CheckError(int rcode) {
  if (rcode == ns_r_noerror || rcode == ns_r_nxdomain) return absl::OkStatus();
  if (rcode == ns_r_refused) return absl::PermissionDeniedError("REFUSED");
  return absl::UnavailableError(ErrorName(rcode));
}

bool IsOf(const ns_rr& record, ns_type type) {
  return ns_rr_class(record) == ns_c_in && ns_rr_type(record) == type;
}

// The names that follow `name`, in order.
absl::StatusOr<std::vector<std::string>> Follow(const Message& message,
                                                const std::string& name) {
  std::map<std::string, std::string> targets;
  for (const ns_rr& record : message.answers) {
    if (!IsOf(record, ns_t_cname)) continue;
    absl::StatusOr<DnsRecord> target = ParseRdata(message.parsed, record);
    if (!target.ok()) return target.status();
    targets.emplace(OwnerOf(record), std::move(target->name));
  }
  std::vector<std::string> aliases;
  for (auto next = targets.find(name); next != targets.end();
       next = targets.find(aliases.back())) {
    aliases.push_back(next->second);
    if (aliases.back() == name || aliases.size() > targets.size()) {
      return Malformed("has aliases that go round in a circle");
    }
    if (aliases.size() > kMaxDnsAliases) {
      return Malformed(absl::StrCat("has more than ", kMaxDnsAliases,
                                    " aliases, one leading to the next"));
    }
  }
  return aliases;
}

// Whether it says that `name` has nothing of the kind: it then names the zone
// (RFC 2308, section 2.2).
bool SaysNoData(const Records& authority, const std::string& name) {
  return std::any_of(authority.begin(), authority.end(),
                     [&](const ns_rr& record) {
                       const std::string zone = OwnerOf(record);
                       return IsOf(record, ns_t_soa) &&
                              (zone.empty() || name == zone ||
                               absl::EndsWith(name, absl::StrCat(".", zone)));
                     });
}

}  // namespace

absl::StatusOr<std::string> NormalDnsName(absl::string_view name) {
  const absl::StatusOr<std::string> packed = PackName(name);
  if (!packed.ok()) return packed.status();
  std::array<char, NS_MAXDNAME> text;
  const auto* bytes = reinterpret_cast<const unsigned char*>(packed->data());
  if (ns_name_uncompress(bytes, bytes + packed->size(), bytes, text.data(),
                         text.size()) < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\" is no domain name"));
  }
  const std::string normal = absl::AsciiStrToLower(text.data());
  return normal == "." ? "" : normal;
}

absl::StatusOr<std::string> DnsQueryMessage(const DnsQuestion& question,
                                            uint16_t id, bool has_edns) {
  const absl::StatusOr<std::string> name = PackName(question.name);
  if (!name.ok()) return name.status();
  constexpr int kRecursionDesired = 0x0100;
  constexpr int kAuthenticData = 0x0020;
  std::string message;
  for (const int number : {int{id}, kRecursionDesired | kAuthenticData, 1, 0, 0,
                           has_edns ? 1 : 0}) {
    AppendNumber(message, number);
  }
  message += *name;
  AppendNumber(message, static_cast<int>(question.type));
  AppendNumber(message, ns_c_in);
  if (!has_edns) return message;
  message.push_back('\0');  // the root
  for (const int number : {int{ns_t_opt}, int{kDnsPayloadBytes}, 0, 0, 0}) {
    AppendNumber(message, number);
  }
  return message;
}

absl::StatusOr<DnsReply> ParseDnsReply(absl::string_view message,
                                       const DnsQuestion& question) {
  const absl::StatusOr<Message> in = ReadMessage(message);
  if (!in.ok()) return in.status();
  const int rcode = ErrorOf(*in);
  const absl::Status status = CheckError(rcode);
  if (!status.ok()) return status;
  DnsReply reply = {
      .name_exists = rcode != ns_r_nxdomain,
      .is_authenticated = ns_msg_getflag(in->parsed, ns_f_ad) != 0,
      .is_truncated = ns_msg_getflag(in->parsed, ns_f_tc) != 0};
  if (question.type != DnsType::kCname) {
    absl::StatusOr<std::vector<std::string>> aliases =
        Follow(*in, question.name);
    if (!aliases.ok()) return aliases.status();
    reply.aliases = *std::move(aliases);
  }
  const std::string& name =
      reply.aliases.empty() ? question.name : reply.aliases.back();
  for (const ns_rr& answer : in->answers) {
    if (!IsOf(answer, static_cast<ns_type>(question.type))) continue;
    if (OwnerOf(answer) != name) continue;
    absl::StatusOr<DnsRecord> record = ParseRdata(in->parsed, answer);
    if (!record.ok()) return record.status();
    reply.records.push_back(*std::move(record));
  }
  reply.is_complete = reply.aliases.empty() || !reply.records.empty() ||
                      !reply.name_exists || SaysNoData(in->authority, name);
  return reply;
}

bool IsFormatError(absl::string_view message) {
  constexpr size_t kCode = 3;
  return message.size() > kCode && (message[kCode] & 0xf) == ns_r_formerr;
}

}  // namespace mailcow
