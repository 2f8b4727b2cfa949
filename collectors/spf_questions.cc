#include "collectors/spf_questions.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

constexpr int kMaxTerms = 10;
constexpr int kMaxVoidTerms = 2;

}  // namespace

bool IsSpfName(absl::string_view name) {
  const std::vector<absl::string_view> labels = absl::StrSplit(name, '.');
  return name.size() <= kMaxSpfNameSize &&
         absl::c_all_of(labels, [](absl::string_view label) {
           return !label.empty() && label.size() <= 63 &&
                  absl::c_all_of(label, absl::ascii_isprint);
         });
}

bool IsAtOrBelow(absl::string_view name, absl::string_view domain) {
  return absl::ConsumeSuffix(&name, domain) &&
         (name.empty() || absl::EndsWith(name, "."));
}

SpfQuestions::SpfQuestions(SpfMacroValues values, const DnsLookup& lookup)
    : values_(std::move(values)), lookup_(lookup) {}

absl::Status SpfQuestions::CountTerm() {
  if (++terms_ <= kMaxTerms) return absl::OkStatus();
  return absl::InvalidArgumentError("more than ten look-ups are needed");
}

absl::Status SpfQuestions::CountVoidTerm() {
  if (++void_terms_ <= kMaxVoidTerms) return absl::OkStatus();
  return absl::InvalidArgumentError("more than two look-ups find nothing");
}

absl::StatusOr<std::string> SpfQuestions::Target(const SpfMacroString& text,
                                                 const std::string& domain) {
  values_.domain = domain;
  if (HasMacro(text, 'p')) {
    if (!client_names_.has_value()) {
      absl::Status status = CountTerm();
      if (!status.ok()) return status;
    }
    values_.client_name = ClientName(domain);
  }
  return ExpandSpfDomain(text, values_);
}

absl::StatusOr<std::vector<DnsRecord>> SpfQuestions::Ask(
    const std::string& name, DnsType type) const {
  if (!IsSpfName(name)) return std::vector<DnsRecord>();
  absl::StatusOr<DnsAnswer> answer = lookup_({.name = name, .type = type});
  // What cannot be a name is none.
  if (absl::IsInvalidArgument(answer.status())) return std::vector<DnsRecord>();
  if (!answer.ok()) {
    return absl::UnavailableError(
        absl::StrCat(name, ": ", answer.status().message()));
  }
  return std::move(answer->records);
}

absl::StatusOr<std::vector<DnsRecord>> SpfQuestions::AskOfTerm(
    const std::string& name, DnsType type) {
  absl::StatusOr<std::vector<DnsRecord>> records = Ask(name, type);
  if (records.ok() && records->empty()) {
    absl::Status status = CountVoidTerm();
    if (!status.ok()) return status;
  }
  return records;
}

DnsType SpfQuestions::AddressType() const {
  return client().family == IpAddress::Family::kIpv4 ? DnsType::kA
                                                     : DnsType::kAaaa;
}

const std::vector<std::string>& SpfQuestions::ClientNames() {
  if (client_names_.has_value()) return *client_names_;
  client_names_.emplace();
  const SpfMacro reversed{.letter = 'i', .is_reversed = true};
  const SpfMacro family{.letter = 'v'};
  const SpfMacroString pointer = {
      {.macro = reversed}, {.text = "."}, {.macro = family}, {.text = ".arpa"}};
  const auto names = Ask(ExpandSpfDomain(pointer, values_), DnsType::kPtr);
  // Errors are not the domain's, but of whoever the client belongs to.
  if (!names.ok()) return *client_names_;
  client_has_no_pointer_ = names->empty();
  for (size_t i = 0; i < std::min(names->size(), kMaxSpfNames); ++i) {
    const std::string& name = (*names)[i].name;
    const auto addresses = Ask(name, AddressType());
    if (addresses.ok() && absl::c_any_of(*addresses, [&](const auto& record) {
          return record.address == client();
        })) {
      client_names_->push_back(name);
    }
  }
  return *client_names_;
}

absl::StatusOr<std::vector<std::string>> SpfQuestions::ClientNamesOfTerm() {
  const std::vector<std::string>& names = ClientNames();
  if (client_has_no_pointer_) {
    absl::Status status = CountVoidTerm();
    if (!status.ok()) return status;
  }
  return names;
}

std::string SpfQuestions::ClientName(absl::string_view domain) {
  const std::vector<std::string>& names = ClientNames();
  if (names.empty()) return "unknown";
  if (absl::c_linear_search(names, domain)) return std::string(domain);
  for (const std::string& name : names) {
    if (IsAtOrBelow(name, domain)) return name;
  }
  return names[0];
}

}  // namespace mailcow
