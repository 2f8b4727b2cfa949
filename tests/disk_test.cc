#include "collectors/disk.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

using ::testing::ElementsAre;

class DiskCollector : public testing::Test {
 protected:
  std::vector<Reading> Measure(absl::string_view id) {
    return ReadingsOf(
        host_.CollectWith(*MakeDiskCollector("/mailcow", more_paths_)), id);
  }
  // The paths that are watched, in order.
  std::vector<std::string> Watched() {
    std::vector<std::string> paths;
    for (const Reading& reading : Measure("disk")) {
      paths.push_back(reading.labels.front().second);
    }
    return paths;
  }
  Verdict JudgeDisk(Level level, double bytes) {
    host_.kernel.filesystems["/var/lib/docker"] =
        Filesystem{.size_bytes = bytes};
    const auto collector = MakeDiskCollector("/mailcow", {});
    return Judge(*BoundOf(RequirementOf(*collector, "disk"), level),
                 Measure("disk").front().value);
  }

  FakeHost host_;
  std::vector<std::string> more_paths_;
};

TEST_F(DiskCollector, FiveGibibytesAreRequiredAndTwentyRecommended) {
  EXPECT_EQ(JudgeDisk(Level::kRequired, 5 * kGiB), Verdict::kMet);
  EXPECT_EQ(JudgeDisk(Level::kRequired, 5 * kGiB - 1), Verdict::kUnmet);
  EXPECT_EQ(JudgeDisk(Level::kRecommended, 20 * kGiB), Verdict::kMet);
  EXPECT_EQ(JudgeDisk(Level::kRecommended, 20 * kGiB - 1), Verdict::kUnmet);
}

TEST_F(DiskCollector, BeforeDockerTheNearestParentIsMeasured) {
  host_.kernel.filesystems["/var"] = Filesystem{.size_bytes = 7};
  const Reading reading = Measure("disk").front();
  EXPECT_EQ(*reading.value, 7);
  EXPECT_EQ(reading.labels, (Labels{{"path", "/var/lib/docker"}}));
  EXPECT_EQ(reading.detail, "of /var: /var/lib/docker does not exist yet");
}

TEST_F(DiskCollector, RootIsTheLastParent) {
  host_.kernel.filesystems["/"] = Filesystem{.size_bytes = 9};
  EXPECT_EQ(*Measure("disk").front().value, 9);
}

TEST_F(DiskCollector, DataRootOfDaemonJsonIsWatched) {
  host_.root.Write("/etc/docker/daemon.json", R"({"data-root": "/data"})");
  host_.kernel.filesystems["/data"] = Filesystem{.size_bytes = 3};
  EXPECT_EQ(Measure("disk").front().labels, (Labels{{"path", "/data"}}));
}

TEST_F(DiskCollector, BrokenDaemonJsonIsUnknownUnderTheDefaultPath) {
  host_.root.Write("/etc/docker/daemon.json", "{");
  host_.kernel.filesystems["/var/lib/docker"] = Filesystem{.size_bytes = 3};
  const Reading reading = Measure("disk").front();
  EXPECT_TRUE(absl::IsDataLoss(reading.value.status()));
  EXPECT_EQ(reading.labels, (Labels{{"path", "/var/lib/docker"}}));
}

TEST_F(DiskCollector, DataRootIsTheOneThatTheEngineTold) {
  host_.root.Write("/etc/docker/daemon.json", R"({"data-root": "/old"})");
  host_.docker.state.data_root = "/data";
  EXPECT_THAT(Watched(), ElementsAre("/data"));
}

TEST_F(DiskCollector, DataRootOfTheEngineNeedsNoDaemonJson) {
  host_.root.Write("/etc/docker/daemon.json", "{");
  host_.docker.state.data_root = "/data";
  host_.kernel.filesystems["/data"] = Filesystem{.size_bytes = 3};
  EXPECT_EQ(*Measure("disk").front().value, 3);
}

TEST_F(DiskCollector, DataRootThatIsNoPathOfTheHostIsNotBelieved) {
  host_.docker.state.data_root = "C:\\ProgramData\\docker";
  EXPECT_THAT(Watched(), ElementsAre("/var/lib/docker"));
}

TEST_F(DiskCollector, MailVolumeIsWatchedOnceItExists) {
  EXPECT_THAT(Watched(), ElementsAre("/var/lib/docker"));
  host_.docker.state.volumes = {
      {.name = "mailcowdockerized_mysql-vol-1", .directory = "/mysql"},
      {.name = "mailcowdockerized_vmail-vol-1", .directory = "/data/vmail"}};
  EXPECT_THAT(Watched(), ElementsAre("/var/lib/docker", "/data/vmail"));
}

TEST_F(DiskCollector, MailVolumeIsThatOfTheProjectOfMailcowConf) {
  host_.root.Write("/mailcow/mailcow.conf", "COMPOSE_PROJECT_NAME=mail\n");
  host_.docker.state.volumes = {
      {.name = "mailcowdockerized_vmail-vol-1", .directory = "/other"},
      {.name = "mail_vmail-vol-1", .directory = "/vmail"}};
  EXPECT_THAT(Watched(), ElementsAre("/var/lib/docker", "/vmail"));
}

TEST_F(DiskCollector, MailVolumeComesBeforeTheNamedPathsAndOnce) {
  more_paths_ = {"/backup", "/vmail"};
  host_.docker.state.volumes = {
      {.name = "mailcowdockerized_vmail-vol-1", .directory = "/vmail"}};
  EXPECT_THAT(Watched(), ElementsAre("/var/lib/docker", "/vmail", "/backup"));
}

TEST_F(DiskCollector, MailVolumeIsMeasuredOnItsOwnFilesystem) {
  host_.docker.state.volumes = {
      {.name = "mailcowdockerized_vmail-vol-1", .directory = "/vmail"}};
  host_.kernel.filesystems["/var/lib/docker"] = Filesystem{.size_bytes = 3};
  host_.kernel.filesystems["/vmail"] = Filesystem{.size_bytes = 4};
  EXPECT_EQ(*Measure("disk")[1].value, 4);
}

TEST_F(DiskCollector, UnreadableConfLeavesTheDataRootWatched) {
  host_.root.Write("/mailcow/mailcow.conf", "no assignment\n");
  host_.docker.state.volumes = {
      {.name = "mailcowdockerized_vmail-vol-1", .directory = "/vmail"}};
  EXPECT_THAT(Watched(), ElementsAre("/var/lib/docker"));
}

TEST_F(DiskCollector, HungMountLeavesTheOtherPathsAlone) {
  more_paths_ = {"/mail"};
  host_.kernel.filesystems["/var/lib/docker"] = Filesystem{.size_bytes = 3};
  host_.kernel.filesystems["/mail"] =
      absl::DeadlineExceededError("/mail does not answer");
  const std::vector<Reading> readings = Measure("disk");
  EXPECT_EQ(*readings[0].value, 3);
  EXPECT_TRUE(absl::IsDeadlineExceeded(readings[1].value.status()));
  EXPECT_EQ(readings[1].labels, (Labels{{"path", "/mail"}}));
}

TEST_F(DiskCollector, NamedPathThatIsMissingIsUnknown) {
  more_paths_ = {"/mail"};
  host_.kernel.filesystems["/"] = Filesystem{.size_bytes = 9};
  EXPECT_TRUE(absl::IsNotFound(Measure("disk")[1].value.status()));
}

TEST_F(DiskCollector, PathNamedTwiceIsWatchedOnce) {
  more_paths_ = {"/mail", "/var/lib/docker", "/mail"};
  EXPECT_EQ(Measure("disk").size(), 2);
}

TEST_F(DiskCollector, ReadOnlyFilesystemIsNotWritable) {
  host_.kernel.filesystems["/var/lib/docker"] = Filesystem{.read_only = true};
  EXPECT_EQ(*Measure("disk_writable").front().value, 0);
  host_.kernel.filesystems["/var/lib/docker"] = Filesystem{.read_only = false};
  EXPECT_EQ(*Measure("disk_writable").front().value, 1);
}

TEST_F(DiskCollector, FreeSpaceAndInodesAreOfTheirOwnNumbers) {
  host_.kernel.filesystems["/var/lib/docker"] =
      Filesystem{.size_bytes = 1, .available_bytes = 2, .inodes_available = 3};
  EXPECT_EQ(*Measure("disk_available").front().value, 2);
  EXPECT_EQ(*Measure("disk_inodes_available").front().value, 3);
}

TEST_F(DiskCollector, FilesystemWithoutFixedInodesHasNoCountOfThem) {
  host_.kernel.filesystems["/var/lib/docker"] = Filesystem{.has_inodes = false};
  EXPECT_TRUE(Measure("disk_inodes_available").empty());
  EXPECT_EQ(Measure("disk").size(), 1);
}

TEST(MakeDiskCollector, IsRefreshedOffTheScrapePath) {
  const auto cadence = MakeDiskCollector("/mailcow", {})->cadence();
  ASSERT_TRUE(cadence.has_value());
  EXPECT_LT(cadence->every, cadence->allowance);
}

}  // namespace
}  // namespace mailcow
