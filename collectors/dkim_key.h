// The public key of DKIM as a TXT record holds it: RFC 6376 (3.6.1), RFC 8301
// for its size and RFC 8463 for Ed25519.

#ifndef COLLECTORS_DKIM_KEY_H_
#define COLLECTORS_DKIM_KEY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailcow {

// A key that receivers can check mail with.
struct DkimKey {
  enum class Algorithm { kRsa, kEd25519 };

  Algorithm algorithm = Algorithm::kRsa;
  int bits = 0;
  // Receivers are to treat signed mail as if it were unsigned.
  bool is_testing = false;

  // Receivers take it, but RFC 8301 asks for more.
  bool IsWeak() const { return algorithm == Algorithm::kRsa && bits < 2048; }

  bool operator==(const DkimKey&) const = default;
};

// DataLoss where receivers cannot use the key, and says why.
absl::StatusOr<DkimKey> ParseDkimKey(absl::string_view text);

// The key among the TXT records of a selector. NotFound where there are none.
// DataLoss for more than one of any kind: what follows is undefined (RFC 6376,
// 3.6.2.2): some receivers take the first, and OpenDKIM 2.10 takes none.
absl::StatusOr<DkimKey> FindDkimKey(const std::vector<std::string>& texts);

// The same without the key.
absl::Status CheckDkimKeys(const std::vector<std::string>& texts);

// The contents of the DER element at the front of `der`, which is consumed.
// Nothing is, and nullopt is returned, where none of that tag stands there
// whole.
std::optional<absl::string_view> ConsumeDer(uint8_t tag,
                                            absl::string_view& der);

inline constexpr uint8_t kDerSequence = 0x30;

}  // namespace mailcow

#endif  // COLLECTORS_DKIM_KEY_H_
