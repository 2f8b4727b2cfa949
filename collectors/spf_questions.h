// What an evaluation of SPF asks of the domain name system, within the limits
// of RFC 7208, section 4.6.4: ten terms that ask, two of them in vain, and ten
// names for each.

#ifndef COLLECTORS_SPF_QUESTIONS_H_
#define COLLECTORS_SPF_QUESTIONS_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/dns_record.h"
#include "collectors/ip_address.h"
#include "collectors/spf_macro.h"

namespace mailcow {

// Answers as host.h says that Dns::Ask does, and may be asked for names with
// any visible character or space in them.
using DnsLookup = std::function<absl::StatusOr<DnsAnswer>(const DnsQuestion&)>;

// Of the names that an answer leads to, as many are asked for.
inline constexpr size_t kMaxSpfNames = 10;

// Whether a question can be asked for the name. Labels may hold anything that
// can be seen, and spaces.
bool IsSpfName(absl::string_view name);

// "mail.example.com" is below "example.com".
bool IsAtOrBelow(absl::string_view name, absl::string_view domain);

// The limits are those of one object. Errors end the evaluation:
// InvalidArgument where a limit is exceeded (permerror), Unavailable where an
// answer could not be had (temperror).
class SpfQuestions {
 public:
  // `lookup` must outlive it.
  SpfQuestions(SpfMacroValues values, const DnsLookup& lookup);

  const IpAddress& client() const { return values_.client; }

  // Of the records that have addresses of the client's family.
  DnsType AddressType() const;

  // Before each term that asks.
  absl::Status CountTerm();

  // The name that a term in the record of `domain` is about.
  absl::StatusOr<std::string> Target(const SpfMacroString& text,
                                     const std::string& domain);

  // Empty where there are none, or no such name.
  absl::StatusOr<std::vector<DnsRecord>> Ask(const std::string& name,
                                             DnsType type) const;

  // The same for the question of a term itself, which may be in vain twice. Of
  // the mail exchangers that are asked for next, many have no address of the
  // client's family.
  absl::StatusOr<std::vector<DnsRecord>> AskOfTerm(const std::string& name,
                                                   DnsType type);

  // The names of the client's PTR records that lead back to it, asked for once;
  // by a term, it may be in vain.
  absl::StatusOr<std::vector<std::string>> ClientNamesOfTerm();

 private:
  absl::Status CountVoidTerm();
  const std::vector<std::string>& ClientNames();
  // The one that %{p} stands for: the domain, or else one below it, if any is.
  std::string ClientName(absl::string_view domain);

  SpfMacroValues values_;
  const DnsLookup& lookup_;
  int terms_ = 0;
  int void_terms_ = 0;
  std::optional<std::vector<std::string>> client_names_;
  bool client_has_no_pointer_ = false;
};

}  // namespace mailcow

#endif  // COLLECTORS_SPF_QUESTIONS_H_
