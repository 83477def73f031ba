#include "volume_delegate/store/lvm/lvm_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/lvm_store_support.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::failed_with;
using testing::file_bytes;
using testing::id;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using testing::kSize;
using testing::kZeros;
using testing::LvmStoreTest;
using testing::names_of;
using ::testing::Not;
using testing::ScriptedLvm;
using testing::trouble;
using testing::write_at;

TEST_F(LvmStoreTest, AVolumeIsAnObjectOnlyOnceItIsZeroed) {
  lvm_.free_extents_hold = 'o';
  std::string seen_before_tag;
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    const std::string name = lv_name(id(1));
    if (arguments.front() == "lvchange") {
      seen_before_tag = file_bytes(lvm_.device(name));
      EXPECT_THAT(lvm_.row(name).tags, Contains("vbs.stage=zeroing"));
    }
    return std::nullopt;
  };
  ASSERT_EQ("", trouble(store_->create_volume(id(1), kSize)));
  EXPECT_EQ(kZeros, seen_before_tag);
  const auto calls = lvm_.changes();
  ASSERT_THAT(names_of(calls), ElementsAre("lvcreate", "lvchange"));
  EXPECT_THAT(calls[0], Contains("vbs.stage=zeroing"));
  EXPECT_THAT(calls[1], ElementsAre("lvchange", "--deltag", "vbs.stage=zeroing", "--",
                                    "vg/" + lv_name(id(1))));
  EXPECT_TRUE(store_->find_volume(id(1)));
}

TEST_F(LvmStoreTest, ExtentsAreFreeOnlyAfterTheWipeIsRecorded) {
  lvm_.put(record(1));
  write_at(lvm_.device(lv_name(id(1))), 0, std::string(kSize, 's'));
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() == "lvremove") {
      EXPECT_EQ(kZeros, file_bytes(lvm_.device(lv_name(id(1)))));
      EXPECT_THAT(lvm_.row(lv_name(id(1))).tags, Contains("vbs.stage=wiped"));
    }
    return std::nullopt;
  };
  auto removal = store_->remove_volume(id(1));
  ASSERT_EQ("", trouble(removal));
  ASSERT_TRUE(eventually_gone(1));
  const std::string lv = "vg/" + lv_name(id(1));
  EXPECT_THAT(lvm_.changes(),
              ElementsAre(ElementsAre("lvchange", "--addtag", "vbs.stage=deleting", "--", lv),
                          ElementsAre("lvchange", "--deltag", "vbs.stage=deleting", "--addtag",
                                      "vbs.stage=wiped", "--", lv),
                          ElementsAre("lvremove", "--force", "--", lv)));
}

TEST_F(LvmStoreTest, AWipeGoesOnWhereItWas) {
  LvRecord half = record(1, LvStage::deleting);
  half.progress_bytes = 4 * kMiB;
  lvm_.put(half);
  write_at(lvm_.device(lv_name(id(1))), 0, std::string(kSize, 's'));
  std::string left;
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() == "lvremove") left = file_bytes(lvm_.device(lv_name(id(1))));
    return std::nullopt;
  };
  EXPECT_THAT(store_->list()->volumes, IsEmpty());
  tend();
  ASSERT_TRUE(eventually_gone(1));
  EXPECT_EQ(std::string(4 * kMiB, 's') + std::string(4 * kMiB, '\0'), left);
}

TEST_F(LvmStoreTest, ASnapshotIsSplitBeforeItIsWiped) {
  put_snapshot(2, 10);
  auto removal = store_->remove_snapshot(id(2));
  ASSERT_EQ("", trouble(removal));
  ASSERT_TRUE(eventually_gone(2));
  EXPECT_THAT(names_of(lvm_.changes()),
              ElementsAre("lvchange", "lvconvert", "lvchange", "lvremove"));
}

TEST_F(LvmStoreTest, WhatIsNeededOrInUseIsNotTouched) {
  put_snapshot(2, 10);
  EXPECT_TRUE(failed_with(store_->remove_volume(id(1)), ErrorCode::conflict, lv_name(id(2))));
  lvm_.put(record(3));
  lvm_.change(lv_name(id(3)), [](LogicalVolume& lv) { lv.open = true; });
  EXPECT_TRUE(failed_with(store_->remove_volume(id(3)), ErrorCode::conflict, "in use"));
  LogicalVolume foreign;
  foreign.name = "backup";
  foreign.origin = lv_name(id(4));
  lvm_.put(record(4));
  lvm_.put(foreign);
  EXPECT_TRUE(failed_with(store_->remove_volume(id(4)), ErrorCode::conflict, "backup"));
  EXPECT_THAT(lvm_.changes(), IsEmpty());
}

TEST_F(LvmStoreTest, ForeignLvsAreShownAndLeftAlone) {
  LogicalVolume root;
  root.name = "root";
  LogicalVolume taken;
  taken.name = lv_name(id(1));
  lvm_.put(root);
  lvm_.put(taken);
  EXPECT_THAT(store_->list()->foreign, ElementsAre("vg/root", "vg/" + taken.name));
  EXPECT_TRUE(failed_with(store_->create_volume(id(1), kSize), ErrorCode::already_exists));
  EXPECT_TRUE(store_->remove_volume(id(1))->gone);
  tend();
  EXPECT_THAT(lvm_.changes(), IsEmpty());
}

TEST_F(LvmStoreTest, WhatIsThereCanBeRemovedWhileThereIsNoRoomForTheMetadataOfMore) {
  lvm_.put(record(1));
  lvm_.metadata_free_bytes = 63 << 10;
  const auto no_room = ErrorCode::insufficient_space;
  EXPECT_TRUE(failed_with(store_->create_volume(id(2), kSize), no_room, "--metadatasize"));
  EXPECT_TRUE(failed_with(store_->prepare_snapshot(id(3), id(1)), no_room, "--metadatasize"));
  EXPECT_TRUE(failed_with(store_->grow_volume(id(1), 4 * kSize), no_room, "--metadatasize"));
  EXPECT_THAT(lvm_.changes(), IsEmpty());
  tend();
  EXPECT_THAT(store_->warning(), ::testing::HasSubstr("--metadatasize"));
  EXPECT_TRUE(store_->remove_volume(id(1)));
  EXPECT_TRUE(eventually_gone(1));
  lvm_.metadata_free_bytes = 64 << 10;
  EXPECT_EQ("", trouble(store_->create_volume(id(2), kSize)));
}

TEST_F(LvmStoreTest, LeftoversOfACrashGo) {
  lvm_.put(record(1, LvStage::zeroing));
  lvm_.put(record(2, LvStage::copying));
  lvm_.put(record(3, LvStage::wiped));
  LvRecord no_snapshot_yet = record(4);
  no_snapshot_yet.object.kind = ObjectKind::snapshot;
  no_snapshot_yet.of = id(5);
  lvm_.put(no_snapshot_yet);
  lvm_.put(record(5));
  EXPECT_EQ(1u, store_->list()->volumes.size());
  tend();
  for (unsigned number = 1; number <= 4; ++number) EXPECT_TRUE(eventually_gone(number)) << number;
  EXPECT_TRUE(lvm_.has(lv_name(id(5))));
  const auto calls = lvm_.changes();
  EXPECT_THAT(calls, Contains(ElementsAre("lvchange", "--deltag", "vbs.stage=copying", "--addtag",
                                          "vbs.stage=deleting", "--", "vg/" + lv_name(id(2)))));
  EXPECT_THAT(calls,
              Not(Contains(IsSupersetOf(Arguments{"vbs.stage=deleting", "vg/" + lv_name(id(1))}))))
      << "zeros need no wipe";
}

TEST_F(LvmStoreTest, WhatIsBeingMadeIsNoLeftover) {
  auto prepared = store_->prepare_empty(id(1), kSize);
  ASSERT_EQ("", trouble(prepared));
  lvm_.put(record(1, LvStage::zeroing));
  tend();
  EXPECT_TRUE(lvm_.has(lv_name(id(1))));
  EXPECT_FALSE(store_->find_volume(id(1))) << "and nobody may have it yet";
  prepared->reset();
  tend();
  EXPECT_FALSE(lvm_.has(lv_name(id(1))));
}

TEST_F(LvmStoreTest, ALostSnapshotIsMarkedBeforeAnybodyRestoresFromIt) {
  put_snapshot(2, 100, true);
  EXPECT_TRUE(failed_with(store_->prepare_volume(id(3), kSize, {ObjectKind::snapshot, id(2)}),
                          ErrorCode::conflict, "is lost"));
  const auto snapshot = store_->find_snapshot(id(2));
  ASSERT_EQ("", trouble(snapshot));
  EXPECT_TRUE(snapshot->lost);
  tend();
  EXPECT_THAT(lvm_.row(lv_name(id(2))).tags, Contains("vbs.lost"));
  lvm_.change(lv_name(id(2)), [](LogicalVolume& lv) { lv.invalid = false; });
  EXPECT_TRUE(failed_with(store_->prepare_volume(id(3), kSize, {ObjectKind::snapshot, id(2)}),
                          ErrorCode::conflict, "is lost"))
      << "whatever lvm says later";
}

TEST_F(LvmStoreTest, ACopyFromASnapshotThatOverflowsMeanwhileIsNone) {
  put_snapshot(2, 10);
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() == "lvcreate") {
      lvm_.on_look = [this, looks = 0]() mutable {
        if (++looks == 2) lvm_.change(lv_name(id(2)), [](LogicalVolume& lv) { lv.invalid = true; });
      };
    }
    return std::nullopt;
  };
  auto prepared = store_->prepare_volume(id(3), kSize, {ObjectKind::snapshot, id(2)});
  ASSERT_EQ("", trouble(prepared));
  CopyControl control;
  EXPECT_TRUE(failed_with((*prepared)->run(control), ErrorCode::conflict, "is lost"));
  lvm_.on_look = nullptr;
  EXPECT_THAT(lvm_.row(lv_name(id(2))).tags, Contains("vbs.lost"));
  EXPECT_TRUE(eventually_gone(3)) << "and what was copied is wiped";
  EXPECT_FALSE(store_->find_volume(id(3)));
}

TEST_F(LvmStoreTest, ALostSnapshotIsNoSourceHoweverTheCopyEnds) {
  put_snapshot(2, 10);
  CopyControl control;
  lvm_.on_look = [&] {
    // The look after the copy: it is lost, and somebody cancels in the same moment.
    if (control.copied_bytes < kSize) return;
    lvm_.change(lv_name(id(2)), [](LogicalVolume& lv) { lv.invalid = true; });
    control.cancelled = true;
  };
  auto prepared = store_->prepare_volume(id(3), kSize, {ObjectKind::snapshot, id(2)});
  ASSERT_EQ("", trouble(prepared));
  EXPECT_TRUE(failed_with((*prepared)->run(control), ErrorCode::conflict, "is lost"));
  lvm_.on_look = nullptr;
  EXPECT_TRUE(eventually_gone(3));
}

TEST_F(LvmStoreTest, ASnapshotThatIsNotLinkedToItsVolumeIsNone) {
  put_snapshot(2, 0);
  ASSERT_EQ(1u, store_->list()->snapshots.size());
  lvm_.change(lv_name(id(2)), [](LogicalVolume& lv) {
    lv.origin.clear();
    lv.size_bytes = kSize;  // of its device too: it shows its room
  });
  open();  // as after a kill in the middle of lvcreate
  EXPECT_TRUE(failed_with(store_->find_snapshot(id(2)), ErrorCode::not_found));
  EXPECT_THAT(store_->list()->snapshots, IsEmpty());
  EXPECT_TRUE(
      failed_with(store_->source_size({ObjectKind::snapshot, id(2)}), ErrorCode::not_found));
  EXPECT_TRUE(
      failed_with(store_->prepare_snapshot(id(2), id(1)), ErrorCode::overloaded, "ask again"));
  lvm_.change(lv_name(id(2)), [](LogicalVolume& lv) { lv.active = false; });
  tend();
  EXPECT_TRUE(eventually_gone(2));
}

TEST_F(LvmStoreTest, WhatAFailedSnapshotLeftGoesAtOnce) {
  lvm_.put(record(1));
  auto prepared = store_->prepare_snapshot(id(2), id(1));
  ASSERT_EQ("", trouble(prepared));
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() != "lvcreate") return std::nullopt;
    LvRecord half = record(2);
    half.object.kind = ObjectKind::snapshot;
    half.of = id(1);
    lvm_.put(half);
    process::Outcome killed;
    killed.exit_code = 137;
    return killed;
  };
  CopyControl control;
  EXPECT_FALSE((*prepared)->run(control));
  EXPECT_TRUE(eventually_gone(2)) << "without anybody's upkeep";
}

TEST_F(LvmStoreTest, WhatIsStillBeingRemovedCanBeMadeLater) {
  lvm_.put(record(1, LvStage::deleting));
  const auto refused = store_->prepare_empty(id(1), kSize);
  EXPECT_TRUE(failed_with(refused, ErrorCode::overloaded, "ask again"));
  EXPECT_TRUE(is_transient(refused.error().code)) << "so that the order is repeated";
}

TEST_F(LvmStoreTest, ASnapshotGetsMoreRoomInTime) {
  put_snapshot(2, 49);
  tend();
  EXPECT_THAT(lvm_.changes(), IsEmpty());
  lvm_.change(lv_name(id(2)), [](LogicalVolume& lv) { lv.data_percent = 50; });
  tend();
  EXPECT_THAT(lvm_.changes(), ElementsAre(ElementsAre("lvextend", "--size", "8388608b", "--",
                                                      "vg/" + lv_name(id(2)))));
  EXPECT_EQ("", store_->warning());
}

TEST_F(LvmStoreTest, ASnapshotWithoutMoreRoomIsWarnedOf) {
  open(50);
  put_snapshot(2, 60);
  lvm_.free_bytes = 0;
  tend();
  EXPECT_THAT(lvm_.changes(), IsEmpty());
  EXPECT_NE(std::string::npos, store_->warning().find("no more room"));
}

TEST_F(LvmStoreTest, WhatASnapshotMayGrowToIsPromised) {
  lvm_.put(record(1));
  open();
  const std::uint64_t before = store_->space()->reserved_bytes;
  EXPECT_EQ(kSize, before);
  put_snapshot(2, 0);
  open();
  // 8 MiB, with the table of exceptions, in whole extents.
  EXPECT_EQ(before + 12 * kMiB, store_->space()->reserved_bytes);
  lvm_.free_bytes = 8 * kMiB;
  EXPECT_TRUE(failed_with(store_->prepare_empty(id(3), 4 * kMiB), ErrorCode::insufficient_space))
      << "8 MiB are free, and promised";
}

TEST_F(LvmStoreTest, InactiveVolumesGetTheirDevices) {
  lvm_.put(record(1));
  lvm_.put(record(2));
  for (unsigned number : {1u, 2u}) {
    lvm_.change(lv_name(id(number)), [](LogicalVolume& lv) { lv.active = false; });
  }
  tend();
  EXPECT_THAT(lvm_.changes(),
              ElementsAre(ElementsAre("lvchange", "--activate", "y", "--", "vg/" + lv_name(id(1)),
                                      "vg/" + lv_name(id(2)))));
}

TEST_F(LvmStoreTest, WhatStaysSuspendedIsResumed) {
  lvm_.put(record(1));
  LogicalVolume theirs;
  theirs.name = "theirs";
  lvm_.put(theirs);
  for (const auto& name : {lv_name(id(1)), std::string("theirs")}) {
    lvm_.change(name, [](LogicalVolume& lv) { lv.suspended = true; });
  }
  tend();
  EXPECT_THAT(lvm_.changes(), IsEmpty()) << "some command may just be at it";
  tend();
  EXPECT_THAT(lvm_.changes(),
              ElementsAre(ElementsAre("lvchange", "--refresh", "--", "vg/" + lv_name(id(1)))));
}

TEST_F(LvmStoreTest, AGroupOfTheOtherDriverIsRefused) {
  lvm_.put(record(1));
  lvm_.change(lv_name(id(1)), [](LogicalVolume& lv) { lv.pool = "pool"; });
  EXPECT_TRUE(failed_with(LvmStore::open({}, lvm_.group(clock_), clock_), ErrorCode::conflict,
                          "in thin pool pool"));
}

TEST(SnapshotRoom, IsAShareOfItsVolumeAndNeverMoreThanItCanUse) {
  const GroupSize group{kTiB, kTiB, 4 * kMiB};
  SnapshotRoom room;
  EXPECT_EQ(20 * kGiB, room.first_bytes(group, 100 * kGiB));
  EXPECT_EQ(kGiB, room.first_bytes(group, 2 * kGiB)) << "the floor";
  EXPECT_EQ(36 * kMiB, room.first_bytes(group, 32 * kMiB)) << "all that it can use";
  EXPECT_EQ(most_snapshot_bytes(group, 100 * kGiB), room.promised_bytes(group, 100 * kGiB));
  room.promised_percent = 30;
  EXPECT_EQ(30 * kGiB, room.promised_bytes(group, 100 * kGiB));
  // 1/256 for the table of exceptions.
  EXPECT_EQ(100 * kGiB + 400 * kMiB + 4 * kMiB, most_snapshot_bytes(group, 100 * kGiB));
}

}  // namespace
}  // namespace vbs::volume_delegate
