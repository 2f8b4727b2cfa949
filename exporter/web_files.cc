#include "exporter/web_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace mailcow {
namespace {

// Where Go looks for those whom the system trusts, on Debian.
constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

// Files are looked up from the root.
std::string Absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

bool Verifies(ClientAuth client_auth) {
  return client_auth == ClientAuth::kVerifyClientCertIfGiven ||
         client_auth == ClientAuth::kRequireAndVerifyClientCert;
}

FileStamp StampNow(const Files& files, const std::string& path) {
  const absl::StatusOr<FileDescriptor> file = files.Open(path, O_PATH);
  if (!file.ok()) return {static_cast<int64_t>(file.status().code())};
  struct stat status;
  if (fstat(file->get(), &status) != 0) return {-1};
  return {0,
          static_cast<int64_t>(status.st_dev),
          static_cast<int64_t>(status.st_ino),
          status.st_size,
          status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec,
          status.st_ctim.tv_sec,
          status.st_ctim.tv_nsec};
}

}  // namespace

// Reads one version of all files.
class WebFiles::Reading {
 public:
  explicit Reading(WebFiles& owner) : owner_(owner) {}

  absl::StatusOr<WebSettings> Read() {
    const auto text = ReadOne(owner_.file_);
    if (!text.ok()) return text.status();
    absl::StatusOr<WebConfig> config = ParseWebConfig(*text, owner_.file_);
    if (!config.ok()) return config.status();
    WebSettings settings = {.config = *std::move(config), .tls = nullptr};
    if (settings.config.tls.has_value()) {
      auto terms = ReadTls(*settings.config.tls);
      if (!terms.ok()) return terms.status();
      settings.tls = *std::move(terms);
    }
    return settings;
  }

  const Stamps& stamps() const { return stamps_; }

 private:
  // The stamp comes first: what is written meanwhile counts as a change.
  absl::StatusOr<std::string> ReadOne(const std::string& path) {
    const std::string absolute = Absolute(path);
    const auto stamp = owner_.StampOf(absolute);
    if (!stamp.ok()) return stamp.status();
    stamps_[absolute] = *stamp;
    return owner_.files_.Read(absolute);
  }

  absl::StatusOr<std::shared_ptr<const TlsTerms>> ReadTls(
      TlsSettings settings) {
    if (settings.client_ca_file.empty() && Verifies(settings.client_auth)) {
      settings.client_ca_file = kSystemAuthorities;
    }
    const auto certificate = ReadOne(settings.cert_file);
    const auto key = ReadOne(settings.key_file);
    absl::StatusOr<std::string> client_ca = "";
    if (!settings.client_ca_file.empty()) {
      client_ca = ReadOne(settings.client_ca_file);
    }
    for (const auto* file : {&certificate, &key, &std::as_const(client_ca)}) {
      if (!file->ok()) return file->status();
    }
    return TlsTerms::Make(
        settings,
        {.certificate = *certificate, .key = *key, .client_ca = *client_ca});
  }

  WebFiles& owner_;
  Stamps stamps_;
};

WebFiles::WebFiles(const std::string& file)
    : files_(Files::Roots()), file_(file), stamps_(kDiskDeadline) {}

absl::StatusOr<FileStamp> WebFiles::StampOf(const std::string& path) {
  return stamps_.Ask(path, [files = files_, path]() {
    return absl::StatusOr<FileStamp>(StampNow(files, path));
  });
}

absl::StatusOr<WebSettings> WebFiles::Read() {
  Reading reading(*this);
  absl::StatusOr<WebSettings> settings = reading.Read();
  absl::MutexLock lock(&mutex_);
  read_ = reading.stamps();
  // Whatever stands there is another version than what was not read.
  if (absl::IsDeadlineExceeded(settings.status())) {
    read_ = {{Absolute(file_), FileStamp()}};
  }
  return settings;
}

bool WebFiles::HaveSettledChange() {
  Stamps now;
  {
    absl::MutexLock lock(&mutex_);
    now = read_;
  }
  for (auto& [path, stamp] : now) {
    const auto found = StampOf(path);
    if (!found.ok()) return false;
    stamp = *found;
  }
  absl::MutexLock lock(&mutex_);
  return std::exchange(seen_, now) == now && now != read_;
}

}  // namespace mailcow
