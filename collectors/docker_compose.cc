#include "collectors/docker_compose.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mailcow {
namespace {

// In the order in which docker(1) and a shell look for them.
constexpr absl::string_view kPlaces[] = {
    "/root/.docker/cli-plugins/docker-compose",
    "/usr/local/lib/docker/cli-plugins/docker-compose",
    "/usr/local/libexec/docker/cli-plugins/docker-compose",
    "/usr/lib/docker/cli-plugins/docker-compose",
    "/usr/libexec/docker/cli-plugins/docker-compose",
    "/usr/local/sbin/docker-compose",
    "/usr/local/bin/docker-compose",
    "/usr/sbin/docker-compose",
    "/usr/bin/docker-compose",
    "/snap/bin/docker-compose",
};

// The module that Compose has been since version 2.
constexpr absl::string_view kModule = "github.com/docker/compose/v";

// setuptools writes it into the script that starts version 1.
constexpr absl::string_view kDistribution = "docker-compose==";

absl::StatusOr<Version> VersionAfter(absl::string_view mark,
                                     absl::string_view text) {
  const size_t at = text.find(mark);
  if (at == absl::string_view::npos) {
    return absl::DataLossError("nothing in it tells Compose's version");
  }
  return ParseVersion(text.substr(at + mark.size(), 32));
}

// The section that Go programs describe themselves in (debug/buildinfo).
absl::StatusOr<std::string> ReadBuildInfo(int fd) {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(
      elf_begin(fd, ELF_C_READ, nullptr), elf_end);
  size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf.get(), &names) != 0) {
    return absl::DataLossError("it is neither a script nor a program");
  }
  for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
       section = elf_nextscn(elf.get(), section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* name = elf_strptr(elf.get(), names, header.sh_name);
    if (name == nullptr || absl::string_view(name) != ".go.buildinfo") continue;
    const Elf_Data* data = elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) continue;
    return std::string(static_cast<const char*>(data->d_buf), data->d_size);
  }
  return absl::DataLossError("it is no Go program");
}

absl::StatusOr<Version> ReadVersion(const Files& files,
                                    absl::string_view path) {
  // A script is small; of a program only one section is read.
  const absl::StatusOr<std::string> text = files.Read(path);
  if (absl::IsDeadlineExceeded(text.status())) return text.status();
  if (text.ok() && absl::StartsWith(*text, "#!")) {
    return ParseComposeScript(*text);
  }
  const absl::StatusOr<FileDescriptor> file =
      files.Open(path, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::string> build_info = ReadBuildInfo(file->get());
  if (!build_info.ok()) return build_info.status();
  return ParseComposeBuildInfo(*build_info);
}

}  // namespace

absl::StatusOr<std::string> FindCompose(const Files& files) {
  absl::Status otherwise =
      absl::NotFoundError("Docker Compose is not installed");
  for (const absl::string_view place : kPlaces) {
    const absl::StatusOr<bool> exists = files.Exists(place);
    if (exists.ok() && *exists) return std::string(place);
    if (!exists.ok()) otherwise = exists.status();
  }
  return otherwise;
}

absl::StatusOr<Version> ReadComposeVersion(const Files& files,
                                           absl::string_view path) {
  absl::StatusOr<Version> version = ReadVersion(files, path);
  if (version.ok()) return version;
  return absl::Status(version.status().code(),
                      absl::StrCat(path, ": ", version.status().message()));
}

absl::StatusOr<Version> ParseComposeBuildInfo(absl::string_view build_info) {
  return VersionAfter(kModule, build_info);
}

absl::StatusOr<Version> ParseComposeScript(absl::string_view script) {
  return VersionAfter(kDistribution, script);
}

}  // namespace mailcow
