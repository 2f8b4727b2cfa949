#include "exporter/password_check.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace mailcow {
namespace {

// bcrypt looks no further, neither Go's nor crypt(3)'s; the latter refuses what
// is longer than 512.
constexpr size_t kMaxPasswordBytes = 72;

// The cost is in two digits: the greatest is the last in the alphabet.
std::string HashOfNobody(const std::map<std::string, std::string>& users) {
  std::string cost;
  for (const auto& [name, hash] : users) {
    cost = std::max(cost, hash.substr(4, 2));
  }
  return absl::StrCat("$2y$", cost,
                      "$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi");
}

bool AreEqual(absl::string_view one, absl::string_view other) {
  return one.size() == other.size() &&
         CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string RandomKey() {
  std::array<unsigned char, 32> key;
  if (RAND_bytes(key.data(), key.size()) != 1) return "";
  return {key.begin(), key.end()};
}

// Counts who is there.
class Presence {
 public:
  explicit Presence(std::atomic<int>& count) : count_(count), order_(++count) {}
  ~Presence() { --count_; }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  int order() const { return order_; }

 private:
  std::atomic<int>& count_;
  const int order_;
};

}  // namespace

std::string Bcrypt(const std::string& password, const std::string& setting) {
  const auto data = std::make_unique<crypt_data>();
  // To crypt(3), "$2a$" is a hash that may stem from its own old fault, and
  // some passwords get another then. Go makes no such difference.
  std::string modern = setting;
  modern.replace(0, 3, "$2y");
  const char* hash = crypt_r(password.c_str(), modern.c_str(), data.get());
  if (hash == nullptr || *hash != '$') return "";
  return setting.substr(0, 3) + std::string(hash).substr(3);
}

PasswordCheck::PasswordCheck(Hash hash, const Limits& limits)
    : hash_(std::move(hash)), limits_(limits), key_(RandomKey()) {}

PasswordCheck::Verdict PasswordCheck::Check(
    const std::map<std::string, std::string>& users,
    const Credentials& credentials) {
  // In C, the password would end there.
  if (credentials.password.find('\0') != std::string::npos) {
    return Verdict::kWrong;
  }
  const std::string password =
      credentials.password.substr(0, kMaxPasswordBytes);
  const auto found = users.find(credentials.user);
  const bool is_known = found != users.end();
  const std::string hash = is_known ? found->second : HashOfNobody(users);
  const Mark mark = MarkOf(credentials.user, hash, password);
  if (IsRemembered(mark)) return Verdict::kRight;

  const Presence presence(present_);
  if (presence.order() > limits_.waiting + 1) return Verdict::kBusy;
  const std::unique_lock<std::timed_mutex> turn(
      turn_, absl::ToChronoNanoseconds(limits_.patience));
  if (!turn.owns_lock()) return Verdict::kBusy;
  // Somebody before us in the line may have had the same password.
  if (IsRemembered(mark)) return Verdict::kRight;
  const bool is_right = AreEqual(hash_(password, hash), hash) && is_known;
  if (is_right) Remember(mark);
  return is_right ? Verdict::kRight : Verdict::kWrong;
}

PasswordCheck::Mark PasswordCheck::MarkOf(const std::string& user,
                                          const std::string& hash,
                                          const std::string& password) const {
  // The lengths tell where each begins.
  std::string text = absl::StrCat(user.size(), ":", user, hash.size(), ":",
                                  hash, password.size(), ":", password);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mark;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       mark.data(), &size);
  OPENSSL_cleanse(text.data(), text.size());
  return {mark.begin(), mark.begin() + size};
}

bool PasswordCheck::IsRemembered(const Mark& mark) {
  absl::MutexLock lock(&mutex_);
  const auto found = std::find(remembered_.begin(), remembered_.end(), mark);
  if (found == remembered_.end()) return false;
  std::rotate(remembered_.begin(), found, found + 1);
  return true;
}

void PasswordCheck::Remember(const Mark& mark) {
  // Without a key, or a mark, one password could pass for another.
  if (key_.empty() || mark.empty()) return;
  absl::MutexLock lock(&mutex_);
  remembered_.insert(remembered_.begin(), mark);
  if (remembered_.size() > limits_.remembered) remembered_.pop_back();
}

}  // namespace mailcow
