#include "collectors/ports.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::HasSubstr;

const absl::Status kNoPrivilege =
    absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");

class PortsCollector : public testing::Test {
 protected:
  PortsCollector() {
    kernel_.listeners.emplace();
    kernel_.addresses.emplace();
  }

  void Listen(absl::string_view address, uint16_t port, Owner owner) {
    const uint64_t inode = kernel_.listeners->size() + 1;
    kernel_.listeners->push_back(
        {.address = *ParseIpAddress(address), .port = port, .inode = inode});
    kernel_.owners.insert_or_assign(inode, std::move(owner));
  }
  void Configure(const std::string& conf) {
    root_.Write("/mailcow/mailcow.conf", conf);
  }
  std::vector<Reading> Measure(absl::string_view id) {
    return ReadingsOf(
        MakePortsCollector("/mailcow")->Collect({root_.files(), kernel_}), id);
  }
  // The reading of `variable`'s port.
  Reading Of(absl::string_view variable, absl::string_view id) {
    for (Reading& reading : Measure(id)) {
      for (const auto& [label, value] : reading.labels) {
        if (label == "variable" && value == variable) return reading;
      }
    }
    std::abort();
  }
  Reading Foreign(absl::string_view variable) {
    return Of(variable, "port_foreign_listeners");
  }

  const Owner exim_ = {.process = "exim4",
                       .cgroup = "/system.slice/exim4.service"};
  const Owner nobody_ = {.process = kNoPrivilege, .cgroup = kNoPrivilege};
  FakeRoot root_;
  FakeKernel kernel_;
};

TEST_F(PortsCollector, FreePortsAreNotInUseAndHaveNoForeignListener) {
  for (const char* id : {"port_in_use", "port_foreign_listeners"}) {
    const std::vector<Reading> readings = Measure(id);
    EXPECT_EQ(readings.size(), 10);
    for (const Reading& reading : readings) EXPECT_EQ(*reading.value, 0);
  }
}

TEST_F(PortsCollector, LabelsBeginWithThePort) {
  EXPECT_EQ(
      Foreign("SMTP_PORT").labels,
      (Labels{{"port", "25"}, {"service", "smtp"}, {"variable", "SMTP_PORT"}}));
}

TEST_F(PortsCollector, ForeignListenerIsCountedOnItsPortAlone) {
  Listen("127.0.0.1", 25, exim_);
  Listen("::1", 25, exim_);
  EXPECT_EQ(*Of("SMTP_PORT", "port_in_use").value, 1);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 2);
  EXPECT_EQ(*Foreign("SMTPS_PORT").value, 0);
}

TEST_F(PortsCollector, OwnerAndTheCommandAgainstItAreNamed) {
  Listen("0.0.0.0", 25, exim_);
  Listen("::", 25, exim_);
  const Reading reading = Foreign("SMTP_PORT");
  EXPECT_EQ(reading.detail, "exim4 (exim4.service) at 0.0.0.0:25, [::]:25");
  EXPECT_EQ(reading.remedy, "systemctl disable --now exim4.service");
}

TEST_F(PortsCollector, DockersProxyIsInUseButNotForeign) {
  Listen("0.0.0.0", 25, {.process = "docker-proxy", .cgroup = kNoPrivilege});
  EXPECT_EQ(*Of("SMTP_PORT", "port_in_use").value, 1);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
}

TEST_F(PortsCollector, ListenerWithoutKnownOwnerMakesTheCountUnknown) {
  Listen("0.0.0.0", 25, nobody_);
  const Reading reading = Foreign("SMTP_PORT");
  EXPECT_TRUE(absl::IsPermissionDenied(reading.value.status()));
  EXPECT_THAT(reading.value.status().message(), HasSubstr("0.0.0.0:25"));
  EXPECT_THAT(reading.value.status().message(), HasSubstr("CAP_SYS_PTRACE"));
  EXPECT_EQ(*Of("SMTP_PORT", "port_in_use").value, 1);
}

TEST_F(PortsCollector, OneForeignListenerDecidesWhateverTheOtherIs) {
  Listen("0.0.0.0", 25, nobody_);
  Listen("::", 25, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
}

TEST_F(PortsCollector, PortOfMailcowConfIsTheOneThatIsWatched) {
  Configure("SMTP_PORT=2525\n");
  Listen("0.0.0.0", 25, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 0);
  Listen("0.0.0.0", 2525, exim_);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 1);
  EXPECT_EQ(Foreign("SMTP_PORT").labels.front().second, "2525");
}

TEST_F(PortsCollector, BadValueIsInvalidAndItsPortUnknownUnderItsDefault) {
  Configure("SMTP_PORT=70000\n");
  EXPECT_EQ(*Of("SMTP_PORT", "port_value_valid").value, 0);
  EXPECT_TRUE(absl::IsInvalidArgument(Foreign("SMTP_PORT").value.status()));
  EXPECT_EQ(Foreign("SMTP_PORT").labels.front().second, "25");
  EXPECT_EQ(*Foreign("IMAP_PORT").value, 0);
}

TEST_F(PortsCollector, ValidityNamesItsVariableFirst) {
  EXPECT_EQ(Of("SMTP_PORT", "port_value_valid").labels,
            (Labels{{"variable", "SMTP_PORT"}, {"service", "smtp"}}));
}

TEST_F(PortsCollector, KeySetTwiceIsValidAndSaysSo) {
  Configure("SMTP_PORT=70000\nSMTP_PORT=26\n");
  const Reading reading = Of("SMTP_PORT", "port_value_valid");
  EXPECT_EQ(*reading.value, 1);
  EXPECT_EQ(reading.detail, "set 2 times, the last one counts");
}

TEST_F(PortsCollector, TwoServicesCannotShareAPort) {
  Configure("SUBMISSION_PORT=25\n");
  EXPECT_EQ(*Of("SMTP_PORT", "port_value_valid").value, 1);
  const Reading reading = Of("SUBMISSION_PORT", "port_value_valid");
  EXPECT_EQ(*reading.value, 0);
  EXPECT_EQ(reading.detail, "port 25 is also that of SMTP_PORT");
}

TEST_F(PortsCollector, UnreadableConfMakesEveryPortUnknownUnderItsDefault) {
  Configure("no assignment\n");
  Listen("0.0.0.0", 25, exim_);
  for (const char* id :
       {"port_in_use", "port_foreign_listeners", "port_value_valid"}) {
    const std::vector<Reading> readings = Measure(id);
    EXPECT_EQ(readings.size(), 10);
    for (const Reading& reading : readings) {
      EXPECT_TRUE(absl::IsDataLoss(reading.value.status()));
    }
  }
  EXPECT_EQ(Foreign("SMTP_PORT").labels.front().second, "25");
}

TEST_F(PortsCollector, RefusedSockDiagIsUnknownNotFree) {
  kernel_.listeners = absl::UnavailableError("no sock_diag");
  EXPECT_TRUE(
      absl::IsUnavailable(Of("SMTP_PORT", "port_in_use").value.status()));
  EXPECT_TRUE(absl::IsUnavailable(Foreign("SMTP_PORT").value.status()));
  EXPECT_EQ(*Of("SMTP_PORT", "port_value_valid").value, 1);
}

TEST_F(PortsCollector, ListenerInfoNamesProcessAndAddressOnce) {
  Listen("0.0.0.0", 80, {.process = "nginx", .cgroup = "/"});
  Listen("0.0.0.0", 80, {.process = "nginx", .cgroup = "/"});
  const std::vector<Reading> readings = Measure("port_listener_info");
  ASSERT_EQ(readings.size(), 1);
  EXPECT_EQ(
      readings.front().labels,
      (Labels{{"port", "80"}, {"process", "nginx"}, {"address", "0.0.0.0"}}));
}

TEST_F(PortsCollector, ListenerInfoIsBounded) {
  for (int i = 1; i <= 200; ++i) {
    Listen(absl::StrCat("127.0.0.", i), 25, exim_);
  }
  EXPECT_LE(Measure("port_listener_info").size(), 8);
  EXPECT_EQ(*Foreign("SMTP_PORT").value, 200);
}

}  // namespace
}  // namespace mailcow
