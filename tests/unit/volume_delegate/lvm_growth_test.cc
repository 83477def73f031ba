#include "volume_delegate/store/lvm/lvm_growth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume_delegate/lvm_store_support.h"

namespace vbs::volume_delegate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::eventually;
using testing::failed_with;
using testing::file_bytes;
using testing::id;
using ::testing::IsEmpty;
using testing::kSize;
using testing::kZeros;
using testing::names_of;
using testing::trouble;
using testing::write_at;

class LvmGrowthTest : public testing::LvmStoreTest {
 protected:
  const std::string name_ = lv_name(id(1));
  const std::string room_ = growth_name(id(1));

  /// A volume in use, full of 'g', on a disk full of 'o'.
  void put_volume(const LvRecord& record) {
    lvm_.free_extents_hold = 'o';
    lvm_.put(record);
    write_at(lvm_.device(name_), 0, std::string(kSize, 'g'));
  }
  void put_room(bool zeroed, std::uint64_t progress = 0) {
    LogicalVolume room;
    room.name = room_;
    room.tags = tags_of(GrowthRecord{id(1), 2 * kSize, zeroed, progress});
    room.active = true;
    lvm_.put(room);
  }
  std::string mark_of_room() {
    return mark_of(*extents_behind(lvm_.row(room_), 0, {0, 0, testing::ScriptedLvm::kExtent}));
  }
  static LvRecord growing(const std::string& onto) {
    LvRecord growing = record(1, LvStage::growing);
    growing.grow_to_bytes = 2 * kSize;
    growing.onto = onto;
    return growing;
  }
  std::uint64_t size() { return store_->find_volume(id(1))->size_bytes; }
  bool is_settled() {
    return eventually([&] { return !lvm_.has(room_) && lvm_.row(name_).tags.size() == 2; });
  }
};

TEST_F(LvmGrowthTest, NobodyEverSeesWhatNewExtentsHeld) {
  put_volume(record(1));
  const auto check = [&] {
    const auto bytes = file_bytes(lvm_.device(name_));
    EXPECT_EQ(std::string::npos, bytes.find('o')) << "the guest would see it";
  };
  lvm_.before = [&](const Arguments&) -> std::optional<process::Outcome> {
    check();
    return std::nullopt;
  };
  lvm_.on_look = check;
  auto grown = store_->grow_volume(id(1), 2 * kSize);
  ASSERT_EQ("", trouble(grown));
  EXPECT_TRUE(is_settled());
  lvm_.on_look = nullptr;
  EXPECT_EQ(std::string(kSize, 'g') + kZeros, file_bytes(lvm_.device(name_)));
  EXPECT_THAT(lvm_.row(name_).tags,
              ::testing::UnorderedElementsAre("vbs.volume=" + id(1).str(), "vbs.size=16777216"));
  const auto calls = lvm_.changes();
  ASSERT_THAT(names_of(calls),
              ElementsAre("lvcreate", "lvchange", "lvchange", "lvremove", "lvextend", "lvchange"));
  EXPECT_THAT(calls[4],
              ElementsAre("lvextend", "--size", "16777216b", "--", "vg/" + name_, "/dev/vdb:2-3"));
  EXPECT_EQ("", store_->warning());
}

TEST_F(LvmGrowthTest, ItsRoomIsPromisedAndNoForeignLv) {
  put_volume(record(1));
  put_room(false);
  open();
  EXPECT_EQ(2 * kSize, store_->space()->reserved_bytes);
  EXPECT_THAT(store_->list()->foreign, IsEmpty());
  EXPECT_EQ(1u, store_->list()->volumes.size());
}

TEST_F(LvmGrowthTest, SaysHowFarItIs) {
  wipe_rate_ = 1;  // the second step is never taken
  open();
  put_volume(record(1));
  auto grown = store_->grow_volume(id(1), 2 * kSize);
  ASSERT_EQ("", trouble(grown));
  EXPECT_FALSE(grown->done);
  EXPECT_EQ(2 * kSize, grown->size_bytes);
  EXPECT_EQ(kSize + 4 * kMiB, grown->ready_bytes);
  EXPECT_EQ(kSize, size());
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(store_->grow_volume(id(1), 2 * kSize)->done);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1))
      << "who asks again keeps no handler waiting";
}

TEST_F(LvmGrowthTest, GoesOnWhereItWas) {
  put_volume(record(1));
  put_room(false, 4 * kMiB);
  write_at(lvm_.device(room_), 0, std::string(kSize, 'o'));
  tend();
  ASSERT_TRUE(is_settled());
  EXPECT_EQ(2 * kSize, size());
  EXPECT_EQ(std::string(kSize, 'g') + std::string(4 * kMiB, 'o') + std::string(4 * kMiB, '\0'),
            file_bytes(lvm_.device(name_)))
      << "what was recorded as zeroed is not written again";
}

TEST_F(LvmGrowthTest, KilledBeforeTheExtentsChangeHandsItGoesOn) {
  put_volume(record(1));
  put_room(true);
  const auto mark = mark_of_room();
  lvm_.change(name_, [&](LogicalVolume& lv) { lv.tags = tags_of(growing(mark)); });
  tend();
  ASSERT_TRUE(is_settled());
  EXPECT_EQ(2 * kSize, size());
}

TEST_F(LvmGrowthTest, KilledAfterwardsItsTagProvesThatTheExtentsWereZeros) {
  const auto mark = mark_of({{"/dev/vdb", 0, 1}});
  LogicalVolume lv;
  lv.name = name_;
  lv.active = true;
  lv.size_bytes = 2 * kSize;
  lv.segments = {{0, "/dev/vdb:8-9"}, {kSize, "/dev/vdb:0-1"}};
  lv.tags = tags_of(growing(mark));
  lvm_.put(lv);
  tend();
  ASSERT_TRUE(is_settled());
  EXPECT_EQ(2 * kSize, size());
}

TEST_F(LvmGrowthTest, OtherExtentsThanTheTagSaysAreNotItsOwn) {
  LogicalVolume lv;
  lv.name = name_;
  lv.active = true;
  lv.size_bytes = 2 * kSize;
  lv.segments = {{0, "/dev/vdb:8-9"}, {kSize, "/dev/vdb:10-11"}};
  lv.tags = tags_of(growing(mark_of({{"/dev/vdb", 0, 1}})));
  lvm_.put(lv);
  tend();
  ASSERT_TRUE(is_settled());
  EXPECT_EQ(kSize, size());
  tend();
  EXPECT_NE(std::string::npos, store_->warning().find("not zeroed")) << store_->warning();
  for (const std::uint64_t size : {2 * kSize, 4 * kSize}) {
    auto grown = store_->grow_volume(id(1), size);
    // What has settled it may not have ended yet, and must keep nobody from asking again.
    const auto busy = [&] { return failed_with(grown, ErrorCode::overloaded, "ask again"); };
    while (busy()) grown = store_->grow_volume(id(1), size);
    EXPECT_TRUE(failed_with(grown, ErrorCode::conflict, "lvreduce"));
  }
}

// Who orders a growth while upkeep has the volume is to come again, and not to hear that it exists.
TEST(LvmJobs, WhileOneHasTheObjectOthersAreToAskAgain) {
  LvmJobs jobs;
  const auto nothing = [](const LvmJobs::Outstanding&) { return Result<std::uint64_t>(0u); };
  auto ticket = jobs.begin(id(1), nothing);
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(failed_with(jobs.begin(id(1), nothing), ErrorCode::overloaded, "ask again"));
  EXPECT_TRUE(jobs.begin(id(2), nothing));
  ticket->end();
  EXPECT_TRUE(jobs.begin(id(1), nothing));
}

TEST_F(LvmGrowthTest, ACommandThatOutlivedItsProcessIsWaitedFor) {
  put_volume(growing(mark_of({{"/dev/vdb", 100, 101}})));
  tend();
  auto grown = store_->grow_volume(id(1), 2 * kSize);
  ASSERT_EQ("", trouble(grown));
  EXPECT_FALSE(grown->done);
  EXPECT_EQ(kSize, size());
  lvm_.change(name_, [](LogicalVolume& lv) {
    lv.size_bytes = 2 * kSize;
    lv.segments.push_back({kSize, "/dev/vdb:100-101"});
  });
  tend();
  ASSERT_TRUE(is_settled());
  EXPECT_EQ(2 * kSize, size());
}

TEST_F(LvmGrowthTest, KilledInBetweenItKeepsItsSize) {
  put_volume(growing("0123456789abcdef"));
  ASSERT_TRUE(eventually([&] {
    tend();
    return lvm_.row(name_).tags.size() == 2;
  }));
  EXPECT_EQ(kSize, size());
  EXPECT_TRUE(store_->grow_volume(id(1), 2 * kSize)->done) << "and grows when it is asked again";
  tend();
  EXPECT_EQ("", store_->warning());
}

TEST_F(LvmGrowthTest, ExtentsThatSomebodyTakesInBetweenAreNotHis) {
  put_volume(record(1));
  bool taken = false;
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() != "lvextend" || taken) return std::nullopt;
    LogicalVolume thief;
    thief.name = "thief";
    thief.segments = {{0, arguments.back()}};
    lvm_.put(thief);
    taken = true;
    return std::nullopt;
  };
  EXPECT_TRUE(failed_with(store_->grow_volume(id(1), 2 * kSize), ErrorCode::overloaded));
  EXPECT_EQ(kSize, size());
  ASSERT_TRUE(is_settled());
  EXPECT_TRUE(store_->grow_volume(id(1), 2 * kSize)->done);
  EXPECT_EQ(std::string(kSize, 'g') + kZeros, file_bytes(lvm_.device(name_)));
}

TEST_F(LvmGrowthTest, ADeletedVolumeTakesItsRoomWithIt) {
  wipe_rate_ = 1;
  open();
  put_volume(record(1));
  ASSERT_FALSE(store_->grow_volume(id(1), 2 * kSize)->done);
  auto removal = store_->remove_volume(id(1));
  ASSERT_EQ("", trouble(removal));
  EXPECT_TRUE(eventually([&] { return !lvm_.has(room_); })) << "however far its zeroing was";
  EXPECT_FALSE(removal->gone);
  for (const auto& tag : lvm_.row(name_).tags) {
    EXPECT_FALSE(tag.starts_with("vbs.progress")) << "nothing of it was wiped: " << tag;
  }
}

TEST_F(LvmGrowthTest, WhatIsLeftOfAVolumeThatIsGoneGoes) {
  put_room(true);
  tend();
  EXPECT_TRUE(eventually([&] { return !lvm_.has(room_); }));
}

TEST_F(LvmGrowthTest, ASnapshotWaitsForTheGrowth) {
  put_volume(record(1));
  put_room(false);
  EXPECT_TRUE(failed_with(store_->prepare_snapshot(id(2), id(1)), ErrorCode::overloaded,
                          "being made larger"));
}

TEST_F(LvmGrowthTest, AVolumeWithSnapshotsDoesNotGrow) {
  put_snapshot(2, 10);
  EXPECT_TRUE(
      failed_with(store_->grow_volume(id(1), 2 * kSize), ErrorCode::conflict, lv_name(id(2))));
  EXPECT_THAT(lvm_.changes(), IsEmpty());
}

TEST_F(LvmGrowthTest, ASnapshotOfSomebodyElseIsWaitedForAndTold) {
  put_volume(record(1));
  put_room(true);
  LogicalVolume backup;
  backup.name = "backup";
  backup.origin = name_;
  lvm_.put(backup);
  tend();
  ASSERT_TRUE(eventually([&] {
    tend();
    return store_->warning().find("backup") != std::string::npos;
  }));
  EXPECT_THAT(lvm_.changes(), IsEmpty());
  EXPECT_TRUE(failed_with(store_->remove_volume(id(1)), ErrorCode::conflict, "backup"));
}

TEST_F(LvmGrowthTest, RoomThatAFailedCommandLeftGoes) {
  put_volume(record(1));
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() != "lvcreate") return std::nullopt;
    put_room(false);
    process::Outcome failed;
    failed.exit_code = 5;
    failed.err = "  device-mapper: create ioctl failed\n";
    return failed;
  };
  EXPECT_TRUE(failed_with(store_->grow_volume(id(1), 2 * kSize), ErrorCode::internal, "ioctl"));
  EXPECT_FALSE(lvm_.has(room_));
}

TEST(LvmExtents, AreReadAsLvmWritesThem) {
  const GroupSize group{0, 0, 4 * kMiB};
  LogicalVolume lv;
  lv.segment_type = "linear";
  lv.size_bytes = 40 * kMiB;
  lv.segments = {{0, "/dev/vdb:0-3"}, {16 * kMiB, "/dev/vdc:7-8"}, {24 * kMiB, "/dev/vdb:4-7"}};
  auto all = extents_behind(lv, 0, group);
  ASSERT_EQ("", trouble(all));
  EXPECT_THAT(*all, ElementsAre(ExtentRange{"/dev/vdb", 0, 7}, ExtentRange{"/dev/vdc", 7, 8}));
  auto tail = extents_behind(lv, 20 * kMiB, group);
  ASSERT_EQ("", trouble(tail));
  EXPECT_THAT(*tail, ElementsAre(ExtentRange{"/dev/vdb", 4, 7}, ExtentRange{"/dev/vdc", 8, 8}));
  EXPECT_EQ("/dev/vdb:4-7", tail->front().str());
  EXPECT_NE(mark_of(*all), mark_of(*tail));
  EXPECT_EQ(16u, mark_of(*all).size());
  for (const char* bad : {"", "/dev/vdb:0-3 /dev/vdc:0-3", "lv_rimage_0:0-9", "/dev/vdb",
                          "/dev/vdb:3-0", "/dev/vdb:a-b", "/dev/vdb:0"}) {
    lv.segments = {{0, bad}};
    EXPECT_TRUE(failed_with(extents_behind(lv, 0, group), ErrorCode::internal)) << bad;
  }
  lv.segments = {{0, "/dev/vdb:0-3"}};
  EXPECT_TRUE(failed_with(extents_behind(lv, 0, group), ErrorCode::internal, "not all of it"));
}

}  // namespace
}  // namespace vbs::volume_delegate
