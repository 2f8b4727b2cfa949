#include "exporter/remedy.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The remedy with its commands in brackets.
std::string Marked(absl::string_view remedy) {
  std::string marked;
  for (const RemedyPart& part : PartsOf(remedy)) {
    marked += part.is_command ? absl::StrCat("[", part.text, "]") : part.text;
  }
  return marked;
}

TEST(PartsOf, RemedyMayBeACommandAsAWhole) {
  for (const char* command :
       {"systemctl disable --now exim4.service",
        "systemctl disable --now a.service && systemctl stop a.service",
        "cd /opt/mailcow-dockerized && docker compose up -d",
        "docker update --restart=no web_1 && docker stop web_1",
        "timedatectl set-local-rtc 0"}) {
    EXPECT_THAT(PartsOf(command),
                ElementsAre(RemedyPart{.text = command, .is_command = true}));
  }
}

TEST(PartsOf, CommandMayEndTheSentence) {
  EXPECT_EQ(Marked("free the port if another holds it, then cd /opt/m && "
                   "docker compose up -d"),
            "free the port if another holds it, then [cd /opt/m && docker "
            "compose up -d]");
  EXPECT_EQ(Marked("correct /etc/docker/daemon.json, then run systemctl "
                   "restart docker"),
            "correct /etc/docker/daemon.json, then run [systemctl restart "
            "docker]");
  EXPECT_EQ(Marked("install Docker (https://docs.docker.com/engine/install/), "
                   "or start it with systemctl enable --now docker"),
            "install Docker (https://docs.docker.com/engine/install/), or "
            "start it with [systemctl enable --now docker]");
  EXPECT_EQ(Marked("look for the cause: cd /opt/m && docker compose logs "
                   "nginx-mailcow"),
            "look for the cause: [cd /opt/m && docker compose logs "
            "nginx-mailcow]");
}

TEST(PartsOf, CommandEndsBeforeACommaOrASemicolon) {
  EXPECT_EQ(Marked("add swap: fallocate -l 1G /swapfile && chmod 600 /swapfile "
                   "&& swapon /swapfile, and a line in /etc/fstab"),
            "add swap: [fallocate -l 1G /swapfile && chmod 600 /swapfile "
            "&& swapon /swapfile], and a line in /etc/fstab");
  EXPECT_EQ(Marked("systemctl restart chrony.service; journalctl -u "
                   "chrony.service tells why it did not set the clock"),
            "[systemctl restart chrony.service]; journalctl -u "
            "chrony.service tells why it did not set the clock");
}

TEST(PartsOf, RemedyMayHoldTwoCommands) {
  EXPECT_EQ(Marked("apt-get install systemd-timesyncd, then timedatectl "
                   "set-ntp true"),
            "[apt-get install systemd-timesyncd], then [timedatectl set-ntp "
            "true]");
}

TEST(PartsOf, ProseIsNoCommand) {
  for (const char* prose :
       {"give the machine more RAM", "set SKIP_CLAMD=y in mailcow.conf",
        "run docker compose up -d in mailcow's directory",
        "look for the cause with docker compose logs in mailcow's directory",
        "check it with fsck, then mount it read-write",
        "add pool pool.ntp.org iburst to chrony.conf",
        "the docker engine is told by systemctl"}) {
    EXPECT_EQ(Marked(prose), prose);
  }
}

TEST(PartsOf, WhatAShellWouldNotTakeAsItIsIsNotOffered) {
  for (const char* odd :
       {"cd /opt/$(reboot) && docker compose up -d",
        "cd /opt/`reboot` && docker compose up -d", "cd /opt/\xff && docker ps",
        "cd /opt/a\nb && docker ps", "cd /opt/<b>", "cd /opt/a|b"}) {
    EXPECT_EQ(Marked(odd), odd);
  }
}

TEST(PartsOf, NothingHasNoParts) { EXPECT_THAT(PartsOf(""), IsEmpty()); }

}  // namespace
}  // namespace mailcow
