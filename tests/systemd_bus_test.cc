#include "exporter/systemd_bus.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>

#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_engine.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kSocket[] = "/run/dbus/system_bus_socket";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";

using Units = std::map<std::string, SystemdUnit>;

// A bus and the systemd on it, which serves one connection after the other.
class FakeSystemd {
 public:
  FakeSystemd(const std::filesystem::path& path, Units units)
      : listening_(ListenAt(path)),
        ending_(eventfd(0, EFD_CLOEXEC)),
        units_(std::move(units)),
        thread_([this] { Serve(); }) {}
  ~FakeSystemd() {
    eventfd_write(ending_.get(), 1);
    thread_.join();
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  // From now on, `method` is answered with an error of D-Bus.
  void Fail(const std::string& method, const std::string& error) {
    absl::MutexLock lock(&mutex_);
    errors_[method] = error;
  }
  // From now on, `method` is answered with a number, which nobody asked for.
  void Garble(const std::string& method) {
    absl::MutexLock lock(&mutex_);
    garbled_ = method;
  }
  // From now on, `method` is not answered.
  void Ignore(const std::string& method) {
    absl::MutexLock lock(&mutex_);
    ignored_ = method;
  }
  // The methods that were called, without the bus's own.
  std::vector<std::string> calls() {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }

 private:
  // False where this ends instead.
  bool Await(int fd, int events) const {
    pollfd waits[] = {
        {.fd = fd, .events = static_cast<short>(events), .revents = 0},
        {.fd = ending_.get(), .events = POLLIN, .revents = 0}};
    poll(waits, 2, -1);
    return waits[1].revents == 0;
  }

  void Serve() {
    while (Await(listening_.get(), POLLIN)) {
      sd_bus* bus = nullptr;
      sd_bus_new(&bus);
      const int connection =
          accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      sd_bus_set_fd(bus, connection, connection);
      sd_bus_set_server(bus, 1, {.bytes = {1}});
      sd_bus_add_filter(
          bus, nullptr,
          [](sd_bus_message* call, void* self, sd_bus_error*) {
            return static_cast<FakeSystemd*>(self)->Answer(call);
          },
          this);
      EXPECT_GE(sd_bus_start(bus), 0);
      int result = 0;
      while (result > 0 ||
             (result == 0 && Await(connection, sd_bus_get_events(bus)))) {
        result = sd_bus_process(bus, nullptr);
      }
      sd_bus_close_unref(bus);
    }
  }

  int Answer(sd_bus_message* call) {
    if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus", "Hello")) {
      return sd_bus_reply_method_return(call, "s", ":1.1");
    }
    if (!sd_bus_message_is_method_call(call, kManager, nullptr)) return 0;
    const std::string method = sd_bus_message_get_member(call);
    absl::MutexLock lock(&mutex_);
    calls_.push_back(method);
    if (method == ignored_) return 1;
    if (method == garbled_) return sd_bus_reply_method_return(call, "u", 7);
    if (const auto error = errors_.find(method); error != errors_.end()) {
      return sd_bus_reply_method_errorf(call, error->second.c_str(), "no");
    }
    return method == "ListUnitsByNames" ? ListUnits(call) : GetFileState(call);
  }

  // As systemd does, which makes up the units that it does not know.
  int ListUnits(sd_bus_message* call) const {
    sd_bus_message* reply = nullptr;
    sd_bus_message_new_method_return(call, &reply);
    sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
    sd_bus_message_enter_container(call, 'a', "s");
    const char* name = nullptr;
    while (sd_bus_message_read(call, "s", &name) > 0) {
      const auto known = units_.find(name);
      const std::string state =
          known == units_.end() ? "inactive" : known->second.active_state;
      sd_bus_message_append(reply, "(ssssssouso)", name, "described", "loaded",
                            state.c_str(), "dead", "", "/unit", 0, "", "/");
    }
    sd_bus_message_close_container(reply);
    const int result = sd_bus_send(nullptr, reply, nullptr);
    sd_bus_message_unref(reply);
    return result < 0 ? result : 1;
  }

  int GetFileState(sd_bus_message* call) const {
    const char* name = nullptr;
    sd_bus_message_read(call, "s", &name);
    const auto known = units_.find(name);
    return known == units_.end()
               ? sd_bus_reply_method_errorf(
                     call, "org.freedesktop.DBus.Error.FileNotFound", "no")
               : sd_bus_reply_method_return(call, "s",
                                            known->second.file_state.c_str());
  }

  const FileDescriptor listening_;
  const FileDescriptor ending_;
  const Units units_;
  absl::Mutex mutex_;
  std::map<std::string, std::string> errors_ ABSL_GUARDED_BY(mutex_);
  std::string garbled_ ABSL_GUARDED_BY(mutex_);
  std::string ignored_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class SystemdBusTest : public testing::Test {
 protected:
  SystemdBusTest() { root_.MakeDirectory("/run/systemd/system"); }

  void StartSystemd(Units units = {}) {
    systemd_.emplace(root_.At(kSocket), std::move(units));
  }
  absl::StatusOr<std::vector<SystemdUnit>> Ask(
      const std::vector<std::string>& names) const {
    return bus_.Units(names);
  }
  absl::Status Mistake() const { return Ask({"exim4.service"}).status(); }

  const FakeRoot root_;
  const SystemdBus bus_{root_.files()};
  std::optional<FakeSystemd> systemd_;
};

// A bus that lets nobody in. What is asked of it hangs until it goes.
class SilentBus {
 public:
  explicit SilentBus(const FakeRoot& root)
      : listening_(ListenAt(root.At(kSocket))) {}

  // How many have knocked since this was last asked.
  int Knocks() const {
    int knocks = 0;
    pollfd wait = {.fd = listening_.get(), .events = POLLIN, .revents = 0};
    while (poll(&wait, 1, 0) == 1) {
      accepted_.emplace_back(
          accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      ++knocks;
    }
    return knocks;
  }

 private:
  const FileDescriptor listening_;
  mutable std::vector<FileDescriptor> accepted_;
};

TEST_F(SystemdBusTest, AnswersForEachNameInTheirOrder) {
  StartSystemd({{"exim4.service", {"active", "enabled"}},
                {"postfix.service", {"failed", "masked"}}});
  const auto units = Ask({"postfix.service", "exim4.service"});
  ASSERT_TRUE(units.ok()) << units.status();
  ASSERT_EQ(units->size(), 2u);
  EXPECT_EQ((*units)[0].active_state, "failed");
  EXPECT_EQ((*units)[0].file_state, "masked");
  EXPECT_EQ((*units)[1].active_state, "active");
  EXPECT_EQ((*units)[1].file_state, "enabled");
}

TEST_F(SystemdBusTest, AUnitThatIsNotKnownIsInactiveAndHasNoFile) {
  StartSystemd();
  const auto units = Ask({"exim4.service"});
  ASSERT_TRUE(units.ok()) << units.status();
  ASSERT_EQ(units->size(), 1u);
  EXPECT_EQ(units->front().active_state, "inactive");
  EXPECT_EQ(units->front().file_state, "");
}

TEST_F(SystemdBusTest, OnlyLooks) {
  StartSystemd();
  EXPECT_TRUE(Ask({"exim4.service", "exim.service"}).ok());
  EXPECT_THAT(
      systemd_->calls(),
      ElementsAre("ListUnitsByNames", "GetUnitFileState", "GetUnitFileState"));
}

TEST_F(SystemdBusTest, IsAskedAnewEachTime) {
  StartSystemd();
  EXPECT_TRUE(Ask({"exim4.service"}).ok());
  EXPECT_TRUE(Ask({"exim4.service"}).ok());
  EXPECT_EQ(systemd_->calls().size(), 4u);
}

TEST_F(SystemdBusTest, NoNamesAreNoQuestion) {
  StartSystemd();
  const auto units = Ask({});
  ASSERT_TRUE(units.ok());
  EXPECT_THAT(*units, IsEmpty());
  EXPECT_THAT(systemd_->calls(), IsEmpty());
}

TEST_F(SystemdBusTest, AHostThatSystemdDoesNotRunIsNotFound) {
  StartSystemd();
  std::filesystem::remove(root_.At("/run/systemd/system"));
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "systemd does not run this host");
  EXPECT_THAT(systemd_->calls(), IsEmpty());
}

TEST_F(SystemdBusTest, WithoutABusIsUnavailable) {
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "there is no system bus at /run/dbus/system_bus_socket");
}

TEST_F(SystemdBusTest, ABusThatNobodyServesIsUnavailable) {
  { const FileDescriptor left_behind = ListenAt(root_.At(kSocket)); }
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(kSocket));
}

TEST_F(SystemdBusTest, ABusWithoutSystemdOnItIsUnavailable) {
  StartSystemd();
  systemd_->Fail("ListUnitsByNames",
                 "org.freedesktop.DBus.Error.ServiceUnknown");
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("ListUnitsByNames"));
}

TEST_F(SystemdBusTest, ABusThatRefusesIsPermissionDenied) {
  StartSystemd();
  systemd_->Fail("ListUnitsByNames", "org.freedesktop.DBus.Error.AccessDenied");
  EXPECT_TRUE(absl::IsPermissionDenied(Mistake()));
}

TEST_F(SystemdBusTest, ABusThatSaysSystemdIsSilentIsDeadlineExceeded) {
  StartSystemd();
  systemd_->Fail("ListUnitsByNames", "org.freedesktop.DBus.Error.NoReply");
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(status.message(), "systemd is silent on the system bus");
}

TEST_F(SystemdBusTest, AFileThatLinksToItselfIsBadAndCostsNoOtherUnit) {
  StartSystemd({{"exim4.service", {"active", "enabled"}}});
  systemd_->Fail("GetUnitFileState", "System.Error.ELOOP");
  const auto units = SystemdBus(root_.files()).Units({"exim4.service"});
  ASSERT_TRUE(units.ok()) << units.status();
  EXPECT_EQ(units->front().active_state, "active");
  EXPECT_EQ(units->front().file_state, "bad");
}

TEST_F(SystemdBusTest, WhatIsUnknownOfAFileIsNotAMissingFile) {
  StartSystemd({{"exim4.service", {"active", "enabled"}}});
  systemd_->Fail("GetUnitFileState", "org.freedesktop.DBus.Error.NoMemory");
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("GetUnitFileState"));
}

TEST_F(SystemdBusTest, AnAnswerOfAnotherFormIsUnavailable) {
  for (const char* method : {"ListUnitsByNames", "GetUnitFileState"}) {
    StartSystemd({{"exim4.service", {"active", "enabled"}}});
    systemd_->Garble(method);
    EXPECT_TRUE(absl::IsUnavailable(Mistake())) << method;
    systemd_.reset();
    std::filesystem::remove(root_.At(kSocket));
  }
}

TEST_F(SystemdBusTest, ASystemdThatIsSilentIsDeadlineExceeded) {
  StartSystemd();
  systemd_->Ignore("ListUnitsByNames");
  EXPECT_TRUE(absl::IsDeadlineExceeded(Mistake()));
}

TEST_F(SystemdBusTest, AQuestionThatHangsIsNotAskedAgain) {
  const SilentBus silent(root_);
  const absl::Status status = Mistake();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status));
  EXPECT_EQ(silent.Knocks(), 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Mistake()));
  EXPECT_EQ(silent.Knocks(), 0);
}

TEST_F(SystemdBusTest, QuestionsThatBeginAlikeDoNotShareTheirAnswer) {
  const SilentBus silent(root_);
  std::thread asking([this] { EXPECT_FALSE(Mistake().ok()); });
  EXPECT_FALSE(Ask({"exim4.service", "exim.service"}).ok());
  asking.join();
  EXPECT_EQ(silent.Knocks(), 2);
}

TEST_F(SystemdBusTest, OnceTheBusIsThereAgainItAnswers) {
  std::optional<SilentBus> silent(root_);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Mistake()));
  silent.reset();
  std::filesystem::remove(root_.At(kSocket));
  StartSystemd();
  EXPECT_TRUE(Eventually([this] { return Mistake().ok(); }));
}

TEST_F(SystemdBusTest, MayEndWhileAQuestionHangs) {
  const SilentBus silent(root_);
  {
    const SystemdBus bus(root_.files());
    EXPECT_FALSE(bus.Units({"exim4.service"}).ok());
  }
  EXPECT_EQ(silent.Knocks(), 1);
}

}  // namespace
}  // namespace mailcow
