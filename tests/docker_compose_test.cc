#include "collectors/docker_compose.h"

#include <elf.h>

#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPlugin[] = "/usr/libexec/docker/cli-plugins/docker-compose";
constexpr char kStandalone[] = "/usr/local/bin/docker-compose";

// As pip installs it.
constexpr char kScript[] =
    "#!/usr/bin/python3\n"
    "# EASY-INSTALL-ENTRY-SCRIPT: 'docker-compose==1.29.2','console_scripts'\n"
    "__requires__ = 'docker-compose==1.29.2'\n";

constexpr char kBuildInfo[] =
    "\xff Go buildinf:\x08\x02\x08go1.21.6\x92\x3d"
    "path\tgithub.com/docker/compose/v2/cmd\n"
    "mod\tgithub.com/docker/compose/v2\tv2.24.5\t\n"
    "dep\tgithub.com/docker/docker\tv25.0.1\th1:x=\n";

template <typename Struct>
void Append(const Struct& bytes, std::string& out) {
  out.append(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
}

// A program that has one section besides those that every program has.
std::string Program(const std::string& section, const std::string& content) {
  const std::string names =
      std::string("\0.shstrtab\0", 11) + section + std::string(1, '\0');
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 1;
  const size_t names_at = sizeof(header) + content.size();
  const size_t padding = 8 - (names_at + names.size()) % 8;
  header.e_shoff = names_at + names.size() + padding;
  std::string program;
  Append(header, program);
  program += content + names + std::string(padding, '\0');
  Append(Elf64_Shdr{}, program);
  Append(Elf64_Shdr{.sh_name = 1,
                    .sh_type = SHT_STRTAB,
                    .sh_offset = names_at,
                    .sh_size = names.size(),
                    .sh_addralign = 1},
         program);
  Append(Elf64_Shdr{.sh_name = 11,
                    .sh_type = SHT_PROGBITS,
                    .sh_offset = sizeof(header),
                    .sh_size = content.size(),
                    .sh_addralign = 1},
         program);
  return program;
}

// The version of the file of that content, at the place of the plugin.
absl::StatusOr<Version> VersionOf(const std::string& content) {
  const FakeRoot root;
  root.Write(kPlugin, content);
  return ReadComposeVersion(root.files(), kPlugin);
}

TEST(ParseComposeBuildInfo, IsTheMajorVersionInThePathOfTheModule) {
  EXPECT_EQ(*ParseComposeBuildInfo(kBuildInfo), (Version{2, 0}));
  EXPECT_EQ(*ParseComposeBuildInfo("path\tgithub.com/docker/compose/v5/cmd\n"),
            (Version{5, 0}));
  EXPECT_EQ(*ParseComposeBuildInfo("path\tgithub.com/docker/compose/v10/cmd\n"),
            (Version{10, 0}));
}

TEST(ParseComposeBuildInfo, RefusesOtherPrograms) {
  for (const char* text :
       {"", "path\tgithub.com/prometheus/prometheus/cmd/prometheus\n",
        "path\tgithub.com/docker/compose/cmd\n",
        "path\tgithub.com/docker/compose/vendor\n",
        "path\tgithub.com/docker/compose/v"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseComposeBuildInfo(text).status())) << text;
  }
}

TEST(ParseComposeScript, IsTheVersionThatSetuptoolsWrote) {
  EXPECT_EQ(*ParseComposeScript(kScript), (Version{1, 29}));
}

TEST(ParseComposeScript, RefusesOtherScripts) {
  for (const char* text : {"", "#!/bin/sh\nexec docker compose \"$@\"\n",
                           "__requires__ = 'docker-compose=='\n"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseComposeScript(text).status())) << text;
  }
}

TEST(FindCompose, IsThePluginBeforeTheStandaloneProgram) {
  const FakeRoot root;
  root.Write(kPlugin, "");
  root.Write(kStandalone, "");
  EXPECT_EQ(*FindCompose(root.files()), kPlugin);
}

TEST(FindCompose, LooksWhereverDockerAndAShellLook) {
  for (const char* path :
       {"/usr/local/lib/docker/cli-plugins/docker-compose",
        "/usr/local/libexec/docker/cli-plugins/docker-compose",
        "/usr/lib/docker/cli-plugins/docker-compose",
        "/usr/libexec/docker/cli-plugins/docker-compose",
        "/usr/local/sbin/docker-compose", "/usr/local/bin/docker-compose",
        "/usr/sbin/docker-compose", "/usr/bin/docker-compose"}) {
    const FakeRoot root;
    root.Write(path, "");
    EXPECT_EQ(FindCompose(root.files()).value_or("none"), path);
  }
}

TEST(FindCompose, NoneOfThemIsNotInstalled) {
  const FakeRoot root;
  root.Write("/usr/bin/docker", "");
  EXPECT_TRUE(absl::IsNotFound(FindCompose(root.files()).status()));
}

TEST(FindCompose, LinkThatLeadsNowhereIsNotInstalled) {
  const FakeRoot root;
  root.Link("/opt/gone", kStandalone);
  EXPECT_TRUE(absl::IsNotFound(FindCompose(root.files()).status()));
}

TEST(FindCompose, PlaceThatCannotBeLookedAtMattersOnlyWithoutAnother) {
  const FakeRoot root;
  root.Link("docker-compose", kPlugin);  // A link to itself.
  const absl::Status status = FindCompose(root.files()).status();
  EXPECT_FALSE(status.ok() || absl::IsNotFound(status)) << status;
  root.Write(kStandalone, "");
  EXPECT_EQ(*FindCompose(root.files()), kStandalone);
}

TEST(ReadComposeVersion, OfAGoProgramIsInItsBuildInformation) {
  EXPECT_EQ(*VersionOf(Program(".go.buildinfo", kBuildInfo)), (Version{2, 0}));
}

TEST(ReadComposeVersion, OfAProgramLargerThanAnyScriptIsReadToo) {
  const std::string large = std::string(kBuildInfo) + std::string(2 << 20, 'x');
  EXPECT_EQ(*VersionOf(Program(".go.buildinfo", large)), (Version{2, 0}));
}

TEST(ReadComposeVersion, OfThePythonScriptIsWholly) {
  EXPECT_EQ(*VersionOf(kScript), (Version{1, 29}));
}

TEST(ReadComposeVersion, OfAProgramThatIsNotGoIsUnknown) {
  const absl::Status status =
      VersionOf(Program(".comment", kBuildInfo)).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), StartsWith(kPlugin));
  EXPECT_THAT(status.message(), HasSubstr("no Go program"));
}

TEST(ReadComposeVersion, OfAGoProgramThatIsNotComposeIsUnknown) {
  const absl::Status status =
      VersionOf(Program(".go.buildinfo", "path\texample.org/x\n")).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), HasSubstr("tells Compose's version"));
}

TEST(ReadComposeVersion, OfARealGoProgramIsSoughtInItsBuildInformation) {
  const std::string prometheus = "/usr/bin/prometheus";
  const Files files{Files::Roots{}};
  if (!files.Exists(prometheus).value_or(false)) {
    GTEST_SKIP() << "there is no " << prometheus;
  }
  const absl::Status status = ReadComposeVersion(files, prometheus).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(status.message(), HasSubstr("tells Compose's version"));
}

TEST(ReadComposeVersion, OfAnythingElseIsUnknown) {
  std::string cut = Program(".go.buildinfo", kBuildInfo);
  cut.resize(cut.size() - 100);
  for (const std::string& content :
       {std::string(), std::string("rubbish"), std::string(4096, '\0'),
        std::string(2 << 20, 'x'),
        std::string("\x7f"
                    "ELF"),
        cut}) {
    EXPECT_TRUE(absl::IsDataLoss(VersionOf(content).status()))
        << content.substr(0, 16);
  }
}

// Every offset and size of a program may be nonsense.
TEST(ReadComposeVersion, OfABrokenProgramIsUnknownWhereverItIsBroken) {
  const std::string program = Program(".go.buildinfo", "path\texample.org\n");
  for (size_t i = 0; i < program.size(); ++i) {
    std::string broken = program;
    broken[i] = '\xff';
    EXPECT_TRUE(absl::IsDataLoss(VersionOf(broken).status())) << i;
  }
}

TEST(ReadComposeVersion, OfADirectoryIsUnknown) {
  const FakeRoot root;
  root.MakeDirectory(kPlugin);
  EXPECT_TRUE(
      absl::IsDataLoss(ReadComposeVersion(root.files(), kPlugin).status()));
}

TEST(ReadComposeVersion, OfAnUnreadableFileIsUnknownByThatReason) {
  const FakeRoot root;
  root.Link("docker-compose", kPlugin);  // A link to itself.
  const absl::Status status =
      ReadComposeVersion(root.files(), kPlugin).status();
  EXPECT_FALSE(status.ok() || absl::IsDataLoss(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(kPlugin));
}

TEST(ReadComposeVersion, OfAFileThatIsGoneIsNotFound) {
  const FakeRoot root;
  EXPECT_TRUE(
      absl::IsNotFound(ReadComposeVersion(root.files(), kPlugin).status()));
}

}  // namespace
}  // namespace mailcow
