#include "volume_delegate/store/lvm/lvm_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::ElementsAre;

constexpr const char* kConfig =
    "devices/scan_lvs=0 activation/monitoring=0 activation/snapshot_autoextend_threshold=100 "
    "activation/thin_pool_autoextend_threshold=100 global/use_lvmpolld=0 backup/archive=0";

const LvmCommands commands("vg", {});

TEST(LvmCommands, OneLookAsksForTheWholeGroup) {
  EXPECT_THAT(commands.lvs(),
              ElementsAre("lvs", "--config", kConfig, "--reportformat", "json", "--units", "b",
                          "--nosuffix", "--binary", "--options", lvs_columns(), "--", "vg"));
  EXPECT_THAT(commands.vgs(),
              ElementsAre("vgs", "--config", kConfig, "--reportformat", "json", "--units", "b",
                          "--nosuffix", "--options", vgs_columns(), "--", "vg"));
}

TEST(LvmCommands, OnlyTheDevicesThatAreNamedAreLookedAt) {
  const auto argv = LvmCommands("vg", {"/dev/sdb", "/dev/sdc"}).remove("a");
  EXPECT_THAT(argv, ElementsAre("lvremove", "--config", kConfig, "--devices", "/dev/sdb",
                                "--devices", "/dev/sdc", "--force", "--", "vg/a"));
}

TEST(LvmCommands, MakeThickThings) {
  EXPECT_THAT(commands.create_linear("a", 32 * kMiB, {"t1", "t2"}),
              ElementsAre("lvcreate", "--config", kConfig, "--yes", "--type", "linear",
                          "--wipesignatures", "n", "--zero", "n", "--size", "33554432b", "--addtag",
                          "t1", "--addtag", "t2", "--name", "a", "--", "vg"));
  EXPECT_THAT(commands.create_snapshot("a", "s", 8 * kMiB, {"t"}),
              ElementsAre("lvcreate", "--config", kConfig, "--yes", "--snapshot", "--size",
                          "8388608b", "--addtag", "t", "--name", "s", "--", "vg/a"));
  EXPECT_THAT(commands.split_snapshot("s"), ElementsAre("lvconvert", "--config", kConfig, "--yes",
                                                        "--splitsnapshot", "--", "vg/s"));
}

TEST(LvmCommands, MakeThinThings) {
  EXPECT_THAT(commands.create_pool("p", kGiB, 8 * kMiB),
              ElementsAre("lvcreate", "--config", kConfig, "--yes", "--type", "thin-pool", "--zero",
                          "y", "--size", "1073741824b", "--poolmetadatasize", "8388608b", "--name",
                          "p", "--", "vg"));
  EXPECT_THAT(commands.create_thin("p", "a", kMiB, {"t"}),
              ElementsAre("lvcreate", "--config", kConfig, "--yes", "--type", "thin",
                          "--wipesignatures", "n", "--virtualsize", "1048576b", "--addtag", "t",
                          "--name", "a", "--thinpool", "p", "--", "vg"));
  EXPECT_THAT(
      commands.create_thin_snapshot("a", "s", {"t"}),
      ElementsAre("lvcreate", "--config", kConfig, "--yes", "--snapshot", "--setactivationskip",
                  "y", "--addtag", "t", "--name", "s", "--", "vg/a"));
  EXPECT_THAT(commands.create_thin_clone("s", "c", {"t"}),
              ElementsAre("lvcreate", "--config", kConfig, "--yes", "--snapshot",
                          "--setactivationskip", "n", "--activate", "y", "--permission", "rw",
                          "--addtag", "t", "--name", "c", "--", "vg/s"));
  EXPECT_THAT(commands.create_over_image("p", "base", "c", {"t"}),
              ElementsAre("lvcreate", "--config", kConfig, "--yes", "--snapshot",
                          "--setactivationskip", "n", "--activate", "y", "--permission", "rw",
                          "--thinpool", "vg/p", "--addtag", "t", "--name", "c", "--", "vg/base"));
}

TEST(LvmCommands, ChangeThings) {
  EXPECT_THAT(commands.change_tags("a", {{"old"}, {"new"}}),
              ElementsAre("lvchange", "--config", kConfig, "--deltag", "old", "--addtag", "new",
                          "--", "vg/a"));
  EXPECT_THAT(commands.activate({"a", "b"}), ElementsAre("lvchange", "--config", kConfig,
                                                         "--activate", "y", "--", "vg/a", "vg/b"));
  EXPECT_THAT(commands.refresh("a"),
              ElementsAre("lvchange", "--config", kConfig, "--refresh", "--", "vg/a"));
  EXPECT_THAT(commands.extend("a", 40 * kMiB),
              ElementsAre("lvextend", "--config", kConfig, "--size", "41943040b", "--", "vg/a"));
  EXPECT_THAT(commands.extend("a", 40 * kMiB, {{"/dev/vdb", 8, 9}, {"/dev/vdc", 0, 3}}),
              ElementsAre("lvextend", "--config", kConfig, "--size", "41943040b", "--", "vg/a",
                          "/dev/vdb:8-9", "/dev/vdc:0-3"));
  EXPECT_THAT(
      commands.remove_without_discard("a"),
      ElementsAre("lvremove", "--config", std::string(kConfig) + " devices/issue_discards=0",
                  "--force", "--", "vg/a"));
  EXPECT_THAT(commands.remove("a"),
              ElementsAre("lvremove", "--config", kConfig, "--force", "--", "vg/a"));
}

}  // namespace
}  // namespace vbs::volume_delegate
