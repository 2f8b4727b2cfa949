#include "collectors/disk.h"

#include "gtest/gtest.h"
#include "tests/fake_host.h"

namespace mailcow {
namespace {

TEST(ParseDataRoot, IsWhatDaemonJsonSays) {
  EXPECT_EQ(*ParseDataRoot(R"({"data-root": "/data/docker"})"), "/data/docker");
}

TEST(ParseDataRoot, IsDockersDefaultWhereItIsNotSet) {
  EXPECT_EQ(*ParseDataRoot(R"({"log-driver": "journald"})"), "/var/lib/docker");
}

TEST(ParseDataRoot, NamesTheLineThatIsNoJson) {
  const auto root = ParseDataRoot("{\n  \"data-root\": \"/data\",\n}\n");
  EXPECT_TRUE(absl::IsDataLoss(root.status()));
  EXPECT_EQ(root.status().message(),
            "line 3 of /etc/docker/daemon.json is not JSON");
}

TEST(ParseDataRoot, RefusesANumberThatNoDoubleHolds) {
  EXPECT_TRUE(absl::IsDataLoss(ParseDataRoot(R"({"x": 1e999})").status()));
}

TEST(ParseDataRoot, RefusesOtherForms) {
  for (const absl::string_view json :
       {"", "[]", "\"/data\"", R"({"data-root": 1})",
        R"({"data-root": "data"})", R"({"data-root": ""})",
        R"({"data-root": "/a\u0000b"})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseDataRoot(json).status())) << json;
  }
}

class DiskCollector : public testing::Test {
 protected:
  std::vector<Reading> Measure(absl::string_view id) {
    return ReadingsOf(
        MakeDiskCollector(more_paths_)->Collect({root_.files(), kernel_}), id);
  }
  Verdict JudgeDisk(Level level, double bytes) {
    kernel_.filesystems["/var/lib/docker"] = Filesystem{.size_bytes = bytes};
    const auto collector = MakeDiskCollector({});
    return Judge(*BoundOf(RequirementOf(*collector, "disk"), level),
                 Measure("disk").front().value);
  }

  FakeRoot root_;
  FakeKernel kernel_;
  std::vector<std::string> more_paths_;
};

TEST_F(DiskCollector, FiveGibibytesAreRequiredAndTwentyRecommended) {
  EXPECT_EQ(JudgeDisk(Level::kRequired, 5 * kGiB), Verdict::kMet);
  EXPECT_EQ(JudgeDisk(Level::kRequired, 5 * kGiB - 1), Verdict::kUnmet);
  EXPECT_EQ(JudgeDisk(Level::kRecommended, 20 * kGiB), Verdict::kMet);
  EXPECT_EQ(JudgeDisk(Level::kRecommended, 20 * kGiB - 1), Verdict::kUnmet);
}

TEST_F(DiskCollector, BeforeDockerTheNearestParentIsMeasured) {
  kernel_.filesystems["/var"] = Filesystem{.size_bytes = 7};
  const Reading reading = Measure("disk").front();
  EXPECT_EQ(*reading.value, 7);
  EXPECT_EQ(reading.labels, (Labels{{"path", "/var/lib/docker"}}));
  EXPECT_EQ(reading.detail, "of /var: /var/lib/docker does not exist yet");
}

TEST_F(DiskCollector, RootIsTheLastParent) {
  kernel_.filesystems["/"] = Filesystem{.size_bytes = 9};
  EXPECT_EQ(*Measure("disk").front().value, 9);
}

TEST_F(DiskCollector, DataRootOfDaemonJsonIsWatched) {
  root_.Write("/etc/docker/daemon.json", R"({"data-root": "/data"})");
  kernel_.filesystems["/data"] = Filesystem{.size_bytes = 3};
  EXPECT_EQ(Measure("disk").front().labels, (Labels{{"path", "/data"}}));
}

TEST_F(DiskCollector, BrokenDaemonJsonIsUnknownUnderTheDefaultPath) {
  root_.Write("/etc/docker/daemon.json", "{");
  kernel_.filesystems["/var/lib/docker"] = Filesystem{.size_bytes = 3};
  const Reading reading = Measure("disk").front();
  EXPECT_TRUE(absl::IsDataLoss(reading.value.status()));
  EXPECT_EQ(reading.labels, (Labels{{"path", "/var/lib/docker"}}));
}

TEST_F(DiskCollector, HungMountLeavesTheOtherPathsAlone) {
  more_paths_ = {"/mail"};
  kernel_.filesystems["/var/lib/docker"] = Filesystem{.size_bytes = 3};
  kernel_.filesystems["/mail"] =
      absl::DeadlineExceededError("/mail does not answer");
  const std::vector<Reading> readings = Measure("disk");
  EXPECT_EQ(*readings[0].value, 3);
  EXPECT_TRUE(absl::IsDeadlineExceeded(readings[1].value.status()));
  EXPECT_EQ(readings[1].labels, (Labels{{"path", "/mail"}}));
}

TEST_F(DiskCollector, NamedPathThatIsMissingIsUnknown) {
  more_paths_ = {"/mail"};
  kernel_.filesystems["/"] = Filesystem{.size_bytes = 9};
  EXPECT_TRUE(absl::IsNotFound(Measure("disk")[1].value.status()));
}

TEST_F(DiskCollector, PathNamedTwiceIsWatchedOnce) {
  more_paths_ = {"/mail", "/var/lib/docker", "/mail"};
  EXPECT_EQ(Measure("disk").size(), 2);
}

TEST_F(DiskCollector, ReadOnlyFilesystemIsNotWritable) {
  kernel_.filesystems["/var/lib/docker"] = Filesystem{.read_only = true};
  EXPECT_EQ(*Measure("disk_writable").front().value, 0);
  kernel_.filesystems["/var/lib/docker"] = Filesystem{.read_only = false};
  EXPECT_EQ(*Measure("disk_writable").front().value, 1);
}

TEST_F(DiskCollector, FreeSpaceAndInodesAreOfTheirOwnNumbers) {
  kernel_.filesystems["/var/lib/docker"] =
      Filesystem{.size_bytes = 1, .available_bytes = 2, .inodes_available = 3};
  EXPECT_EQ(*Measure("disk_available").front().value, 2);
  EXPECT_EQ(*Measure("disk_inodes_available").front().value, 3);
}

TEST_F(DiskCollector, FilesystemWithoutFixedInodesHasNoCountOfThem) {
  kernel_.filesystems["/var/lib/docker"] = Filesystem{.has_inodes = false};
  EXPECT_TRUE(Measure("disk_inodes_available").empty());
  EXPECT_EQ(Measure("disk").size(), 1);
}

TEST(MakeDiskCollector, IsRefreshedOffTheScrapePath) {
  const auto cadence = MakeDiskCollector({})->cadence();
  ASSERT_TRUE(cadence.has_value());
  EXPECT_LT(cadence->every, cadence->allowance);
}

}  // namespace
}  // namespace mailcow
