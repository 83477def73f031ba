#include "volume_delegate/store/lvm/lvm_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "common/file.h"
#include "common/units.h"
#include "tests/unit/volume_delegate/recorded.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::ElementsAre;
using testing::failed_with;
using ::testing::IsEmpty;
using testing::recorded;
using testing::trouble;

GroupView look(const std::string& name) {
  auto view = parse_lvs(recorded("lvm/2.03.16/" + name + ".out"));
  EXPECT_EQ("", trouble(view)) << name;
  return view.value_or(GroupView());
}

Error told(const std::string& name) {
  const int exit_code = std::stoi(recorded("lvm/2.03.16/" + name + ".rc"));
  EXPECT_NE(0, exit_code);
  return lvm_error("command", exit_code, recorded("lvm/2.03.16/" + name + ".err"));
}

TEST(LvmReport, AnEmptyGroupShowsNothing) {
  EXPECT_THAT(look("lvs-empty").volumes, IsEmpty());
  const auto group = parse_vgs(recorded("lvm/2.03.16/vgs.out"));
  ASSERT_EQ("", trouble(group));
  EXPECT_EQ(2143289344u, group->size_bytes);
  EXPECT_EQ(2143289344u, group->free_bytes);
  EXPECT_EQ(4 * kMiB, group->extent_bytes);
  EXPECT_EQ(520'704u, group->metadata_free_bytes) << "half of what lvm took";
}

TEST(LvmReport, ShowsVolumesAndClassicSnapshots) {
  const auto view = look("lvs-thick");
  ASSERT_EQ(4u, view.volumes.size());
  const auto* thick = view.find("thick");
  ASSERT_TRUE(thick);
  EXPECT_EQ(32 * kMiB, thick->size_bytes);
  EXPECT_THAT(thick->tags, ElementsAre("vbs.size=33554432", "vbs.volume=1"));
  EXPECT_EQ("", thick->origin);
  EXPECT_TRUE(thick->active);
  EXPECT_FALSE(thick->open);
  EXPECT_FALSE(thick->invalid);
  EXPECT_FALSE(thick->data_percent);
  const auto* snapshot = view.find("snap");
  ASSERT_TRUE(snapshot);
  EXPECT_EQ("thick", snapshot->origin);
  EXPECT_EQ("", snapshot->pool);
  EXPECT_EQ(0.0, snapshot->data_percent);
  EXPECT_THAT(view.find("foreign")->tags, IsEmpty());
  EXPECT_EQ(4 * kMiB, view.group.extent_bytes);
  EXPECT_LT(view.group.free_bytes, view.group.size_bytes);
}

TEST(LvmReport, ShowsWhichSnapshotOverflowed) {
  const auto view = look("lvs-snapshot-invalid");
  EXPECT_TRUE(view.find("small")->invalid);
  EXPECT_FALSE(view.find("snap")->invalid);
  EXPECT_NEAR(75.4, view.find("snap")->data_percent.value_or(0), 0.5);
}

TEST(LvmReport, ShowsWhatIsOpenAndWhatIsActive) {
  EXPECT_TRUE(look("lvs-open").find("foreign")->open);
  EXPECT_FALSE(look("lvs-thick").find("foreign")->open);
  const auto view = look("lvs-inactive");
  EXPECT_FALSE(view.find("foreign")->active);
  EXPECT_FALSE(view.find("foreign")->open);
}

TEST(LvmReport, ShowsWhereAnLvLiesOnTheDisks) {
  const auto view = look("lvs-segments");
  ASSERT_EQ(5u, view.volumes.size()) << "some have several lines";
  const auto& grown = view.find("foreign")->segments;
  ASSERT_EQ(2u, grown.size());
  EXPECT_EQ(0u, grown[0].start_bytes);
  EXPECT_EQ("/dev/vda:8-9", grown[0].ranges);
  EXPECT_EQ(8 * kMiB, grown[1].start_bytes);
  EXPECT_EQ("/dev/vda:29-30", grown[1].ranges);
  EXPECT_EQ(makedev(254, 0), view.find("thick")->device_number);
  EXPECT_FALSE(view.find("foreign")->device_number) << "it is not active";
  EXPECT_FALSE(view.find("thick")->suspended);
}

TEST(LvmReport, ASplitSnapshotIsAnLvOfItsOwn) {
  const auto view = look("lvs-split");
  EXPECT_EQ("", view.find("snap")->origin);
  EXPECT_THAT(view.find("snap")->tags, ElementsAre("vbs.snapshot=2"));
  EXPECT_EQ("", view.find("small")->origin) << "an overflowed one too";
}

TEST(LvmReport, ShowsThinPoolsAndWhatIsInThem) {
  const auto view = look("lvs-thin");
  const auto* pool = view.find("pool");
  ASSERT_TRUE(pool);
  EXPECT_EQ("thin-pool", pool->segment_type);
  EXPECT_EQ(256 * kMiB, pool->size_bytes);
  EXPECT_EQ(8 * kMiB, pool->metadata_bytes);
  EXPECT_EQ(64 * kKiB, pool->chunk_bytes);
  EXPECT_TRUE(pool->zeroes);
  EXPECT_NEAR(2.3, pool->data_percent.value_or(0), 0.1);
  EXPECT_NEAR(10.5, pool->metadata_percent.value_or(0), 0.5);
  EXPECT_EQ("pool", view.find("thin")->pool);
  EXPECT_EQ("thin", view.find("thinsnap")->origin);
  EXPECT_FALSE(view.find("thinsnap")->active);
  EXPECT_EQ("foreign", view.find("fromimage")->origin);
  EXPECT_TRUE(view.find("foreign")->read_only);
  EXPECT_FALSE(view.find("fromimage")->read_only);
}

TEST(LvmReport, ShowsAPoolThatShouldNotBeUsed) {
  const GroupView view = look("lvs-pool-full");
  const auto* pool = view.find("nozero");
  ASSERT_TRUE(pool);
  EXPECT_FALSE(pool->zeroes);
  EXPECT_EQ(100.0, pool->data_percent);
  EXPECT_EQ("out_of_data", pool->health);
}

TEST(LvmReport, KnowsWhatErrorsMean) {
  EXPECT_EQ(ErrorCode::conflict, told("remove-busy").code);
  EXPECT_EQ("lvm command failed (5): Logical volume vbsrecord/foreign in use.",
            told("remove-busy").message);
  EXPECT_EQ(ErrorCode::already_exists, told("create-exists").code);
  EXPECT_EQ(ErrorCode::insufficient_space, told("create-no-space").code);
  EXPECT_EQ(ErrorCode::insufficient_space, told("extend-onto-taken").code);
  EXPECT_EQ(ErrorCode::conflict, told("extend-origin").code);
  EXPECT_EQ(ErrorCode::conflict, told("external-origin-writable").code);
  EXPECT_EQ(ErrorCode::internal, told("remove-absent").code);
  EXPECT_EQ(ErrorCode::internal, told("lvs-no-group").code);
  EXPECT_EQ(ErrorCode::insufficient_space,
            lvm_error("lvcreate", 5,
                      "  VG vbs 30 metadata on /dev/loop0 (536874 bytes) exceeds maximum metadata "
                      "size (521472 bytes)\n  Failed to write VG vbs.\n")
                .code);
  // lib/metadata/lv_manip.c and thin_manip.c of lvm 2.03.16
  for (const char* text :
       {"Cannot use active LV for the external origin.",
        "Can't use \"vg/base\" as external origin with \"vg/pool\" pool. Size 9.00 "
        "MiB is not a multiple of pool's chunk size 64.00 KiB."}) {
    EXPECT_EQ(ErrorCode::conflict, lvm_error("lvcreate", 5, text).code) << text;
  }
  EXPECT_EQ("lvm x failed (5): it says nothing", lvm_error("x", 5, " \n").message);
}

TEST(LvmReport, TellsTheErrorFromTheWarnings) {
  EXPECT_EQ("lvm lvcreate failed (5): insufficient free space",
            lvm_error("lvcreate", 5,
                      "  WARNING: PV x has no key.\n  WARNING: y\n  insufficient free "
                      "space\n")
                .message);
  EXPECT_EQ("lvm lvs failed (5): WARNING: only this",
            lvm_error("lvs", 5, "  WARNING: only this\n").message);
}

TEST(LvmReport, ShowsWhereAnLvLiesAndItsDevice) {
  const auto row = [](const std::string& name, const std::string& number, const std::string& start,
                      const std::string& ranges) {
    return R"({"lv_name":")" + name + R"(","lv_size":"12582912","lv_tags":"","origin":"",)" +
           R"("pool_lv":"","segtype":"linear","lv_permissions":"writeable",)"
           R"("lv_active_locally":"1","lv_device_open":"0","lv_snapshot_invalid":"-1",)"
           R"("data_percent":"","metadata_percent":"","lv_metadata_size":"","chunk_size":"0",)"
           R"("zero":"-1","lv_health_status":"","lv_kernel_major":")" +
           (number == "-1" ? "-1" : "253") + R"(","lv_kernel_minor":")" + number +
           R"(","seg_start":")" + start + R"(","seg_pe_ranges":")" + ranges +
           R"(","vg_size":"9","vg_free":"9","vg_extent_size":"4194304"})";
  };
  auto view = parse_lvs(R"({"report":[{"lv":[)" + row("a", "7", "8388608", "/dev/vdc:3-3") + "," +
                        row("b", "-1", "0", "/dev/vdb:2-2 /dev/vdc:0-1") + "," +
                        row("a", "7", "0", "/dev/vdb:0-1") + "]}]}");
  ASSERT_EQ("", trouble(view));
  ASSERT_EQ(2u, view->volumes.size());
  const auto* one = view->find("a");
  EXPECT_EQ(makedev(253, 7), one->device_number);
  ASSERT_EQ(2u, one->segments.size());
  EXPECT_EQ(0u, one->segments[0].start_bytes);
  EXPECT_EQ("/dev/vdb:0-1", one->segments[0].ranges);
  EXPECT_EQ("/dev/vdc:3-3", one->segments[1].ranges);
  EXPECT_FALSE(view->find("b")->device_number) << "it is not active";
  EXPECT_EQ("/dev/vdb:2-2 /dev/vdc:0-1", view->find("b")->segments.front().ranges);
}

TEST(LvmReport, NonsenseIsNotUnderstood) {
  const std::string row =
      R"("lv_size":"1","lv_tags":"","origin":"","pool_lv":"","segtype":"linear",)"
      R"("lv_permissions":"writeable","lv_active_locally":"1","lv_device_open":"0",)"
      R"("lv_snapshot_invalid":"-1","metadata_percent":"","lv_metadata_size":"",)"
      R"("chunk_size":"0","zero":"-1","lv_health_status":"","vg_size":"9","vg_free":"9",)"
      R"("vg_extent_size":"1",)";
  const auto parse = [&](const std::string& more) {
    return parse_lvs(R"({"report":[{"lv":[{)" + row + more + "}]}]}");
  };
  EXPECT_EQ("", trouble(parse(R"("lv_name":"a","data_percent":"1.5")")));
  std::string no_extents =
      R"({"report":[{"lv":[{)" + row + R"("lv_name":"a","data_percent":""}]}]})";
  no_extents.replace(no_extents.find(R"("vg_extent_size":"1")"), 20, R"("vg_extent_size":"0")");
  EXPECT_TRUE(failed_with(parse_lvs(no_extents), ErrorCode::internal, "no size"));
  const char* const bad[] = {R"("lv_name":"a")", R"("lv_name":"a","data_percent":"x")",
                             R"("lv_name":"a","data_percent":"101")",
                             R"("lv_name":7,"data_percent":"")"};
  for (const char* more : bad) {
    EXPECT_TRUE(failed_with(parse(more), ErrorCode::internal, "not understood")) << more;
  }
  for (const char* text : {"", "{}", "[]", R"({"report":[]})", R"({"report":[{}]})",
                           R"({"report":[{"lv":{}}]})", R"({"report":[{"lv":[7]}]})"}) {
    EXPECT_TRUE(failed_with(parse_lvs(text), ErrorCode::internal, "not understood")) << text;
  }
  EXPECT_TRUE(failed_with(parse_vgs(R"({"report":[{"vg":[]}]})"), ErrorCode::internal));
  EXPECT_TRUE(failed_with(
      parse_vgs(R"({"report":[{"vg":[{"vg_size":"1","vg_free":"1","vg_extent_size":"0"}]}]})"),
      ErrorCode::internal));
}

TEST(LvmReport, TenThousandVolumesAreNoTrouble) {
  std::string rows;
  for (int i = 0; i < 10'000; ++i) {
    rows += std::string(i ? "," : "") + R"({"lv_name":"vbs-)" + testing::id(i).str() +
            R"(","lv_size":"4194304","lv_tags":"vbs.volume=)" + testing::id(i).str() +
            R"(,vbs.size=4194304","origin":"","pool_lv":"","segtype":"linear",)"
            R"("lv_permissions":"writeable","lv_active_locally":"1","lv_device_open":"0",)"
            R"("lv_snapshot_invalid":"-1","data_percent":"","metadata_percent":"",)"
            R"("lv_metadata_size":"","chunk_size":"0","zero":"-1","lv_health_status":"",)"
            R"("vg_size":"1","vg_free":"1","vg_extent_size":"1"})";
  }
  auto view = parse_lvs(R"({"report":[{"lv":[)" + rows + "]}]}");
  ASSERT_EQ("", trouble(view));
  EXPECT_EQ(10'000u, view->volumes.size());
}

}  // namespace
}  // namespace vbs::volume_delegate
