// What is wiped, when, and on which device.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <atomic>

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
using testing::names_of;
using testing::trouble;
using testing::write_at;

class LvmWipeTest : public testing::LvmStoreTest {
 protected:
  const std::string name_ = lv_name(id(1));

  bool is_warned_of(const std::string& word) {
    return eventually([&] {
      tend();
      return store_->warning().find(word) != std::string::npos;
    });
  }
};

TEST_F(LvmWipeTest, AnotherDeviceUnderItsNameIsNotTouched) {
  lvm_.put(record(1));
  write_at(lvm_.device(name_), 0, std::string(kSize, 's'));
  lvm_.change(name_, [](LogicalVolume& lv) { lv.device_number = makedev(253, 9); });
  auto removal = store_->remove_volume(id(1));
  ASSERT_EQ("", trouble(removal));
  EXPECT_FALSE(removal->gone);
  EXPECT_TRUE(is_warned_of("253:9"));
  EXPECT_EQ(std::string(kSize, 's'), file_bytes(lvm_.device(name_)));
  EXPECT_TRUE(lvm_.has(name_));
  lvm_.change(name_, [](LogicalVolume& lv) { lv.device_number.reset(); });
  EXPECT_TRUE(eventually([&] {
    tend();  // the last look may still be under way
    return !lvm_.has(name_);
  })) << "once udevd is well again";
}

TEST_F(LvmWipeTest, ADeviceOfAnotherSizeIsNotTouched) {
  lvm_.put(record(1));
  write_at(lvm_.device(name_), 0, std::string(kSize + 4096, 's'));
  ASSERT_EQ("", trouble(store_->remove_volume(id(1))));
  EXPECT_TRUE(is_warned_of("its device"));
  EXPECT_EQ(std::string(kSize + 4096, 's'), file_bytes(lvm_.device(name_)));
}

TEST_F(LvmWipeTest, ANewVolumeIsMadeOnItsOwnDeviceOnly) {
  lvm_.before = [&](const Arguments& arguments) -> std::optional<process::Outcome> {
    if (arguments.front() == "lvcreate") {
      lvm_.on_look = [&] {
        if (!lvm_.has(name_)) return;
        lvm_.change(name_, [](LogicalVolume& lv) { lv.device_number = makedev(253, 9); });
      };
    }
    return std::nullopt;
  };
  EXPECT_TRUE(failed_with(store_->create_volume(id(1), kSize), ErrorCode::internal, "udevd"));
  lvm_.on_look = nullptr;
  EXPECT_FALSE(lvm_.has(name_));
}

TEST_F(LvmWipeTest, ASnapshotLeavesItsVolumeBeforeItWaitsForTheWipe) {
  wipe_rate_ = 1;
  open();
  lvm_.put(record(3, LvStage::deleting));
  // Its second step is never taken.
  ASSERT_TRUE(eventually([&] { return store_->remove_volume(id(3))->wiped_bytes > 0; }));
  put_snapshot(2, 10);
  auto removal = store_->remove_snapshot(id(2));
  ASSERT_EQ("", trouble(removal));
  EXPECT_FALSE(removal->gone);
  EXPECT_EQ("", lvm_.row(lv_name(id(2))).origin);
}

TEST_F(LvmWipeTest, WhoAsksAgainDoesNotWait) {
  wipe_rate_ = 1;
  open();
  lvm_.put(record(1));
  ASSERT_FALSE(store_->remove_volume(id(1))->gone);
  const auto began = std::chrono::steady_clock::now();
  auto removal = store_->remove_volume(id(1));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  ASSERT_EQ("", trouble(removal));
  EXPECT_EQ(kSize, removal->size_bytes);
  EXPECT_EQ(4 * kMiB, removal->wiped_bytes);
}

TEST_F(LvmWipeTest, ASnapshotOfSomebodyElseIsNotRemovedWithIt) {
  lvm_.put(record(1, LvStage::wiped));
  LogicalVolume backup;
  backup.name = "backup";
  backup.origin = name_;
  lvm_.put(backup);
  EXPECT_TRUE(is_warned_of("backup"));
  EXPECT_THAT(lvm_.changes(), IsEmpty());
}

TEST_F(LvmWipeTest, SnapshotsOfOneRoundShareWhatIsLeft) {
  open(50);
  put_snapshot(2, 60);
  LvRecord second = record(3);
  second.object.kind = ObjectKind::snapshot;
  second.of = id(1);
  lvm_.put(second, name_);
  for (const unsigned number : {2u, 3u}) {
    lvm_.change(lv_name(id(number)), [](LogicalVolume& lv) {
      lv.size_bytes = 4 * kMiB;
      lv.data_percent = 60;
    });
  }
  lvm_.free_bytes = 4 * kMiB;  // for one of them
  tend();
  EXPECT_THAT(names_of(lvm_.changes()), ElementsAre("lvextend"));
  EXPECT_NE(std::string::npos, store_->warning().find("no more room")) << store_->warning();
}

TEST_F(LvmWipeTest, SnapshotsAreLookedAfterFirst) {
  put_snapshot(2, 60);
  lvm_.put(record(4, LvStage::zeroing));
  tend();
  EXPECT_THAT(names_of(lvm_.changes()), ElementsAre("lvextend", "lvremove"));
}

TEST_F(LvmWipeTest, WhatIsOpenForAMomentIsNotInUse) {
  lvm_.put(record(1));
  lvm_.change(name_, [](LogicalVolume& lv) { lv.open = true; });
  int looks = 0;
  lvm_.on_look = [&] {
    if (++looks == 2) lvm_.change(name_, [](LogicalVolume& lv) { lv.open = false; });
  };
  EXPECT_EQ("", trouble(store_->remove_volume(id(1))));
  lvm_.on_look = nullptr;
  EXPECT_TRUE(eventually_gone(1));
}

TEST(LvmScrubber, LooksOnceMoreAtWhatWasAddedInWorkUnlessItFailed) {
  std::atomic<int> looks{0};
  std::atomic<bool> go{false};
  std::atomic<bool> well{true};
  LvmScrubber scrubber([&](const Uuid&, CopyControl&) -> Result<void> {
    ++looks;
    while (!go) std::this_thread::sleep_for(Milliseconds(1));
    if (!well) return fail(ErrorCode::internal, "input/output error");
    return {};
  });
  const auto add_in_work = [&] {
    go = false;
    const int before = looks;
    scrubber.add(id(1), 50);
    ASSERT_TRUE(eventually([&] { return looks > before; }));
    scrubber.add(id(1), 50);
    go = true;
    scrubber.wait(id(1), std::chrono::minutes(1));
  };
  add_in_work();
  EXPECT_EQ(2, looks);
  well = false;
  add_in_work();
  EXPECT_EQ(3, looks);
  EXPECT_TRUE(scrubber.failure(id(1)));
}

TEST(LvmScrubber, DoesTheSmallestFirstAndKeepsWhatFailed) {
  std::mutex mutex;
  std::vector<Uuid> order;
  std::atomic<bool> go{false};
  std::atomic<bool> well{false};
  LvmScrubber scrubber([&](const Uuid& of, CopyControl&) -> Result<void> {
    while (!go) std::this_thread::sleep_for(Milliseconds(1));
    std::lock_guard lock(mutex);
    order.push_back(of);
    if (of == id(3) && !well) return fail(ErrorCode::internal, "input/output error");
    return {};
  });
  scrubber.add(id(1), 50);
  std::this_thread::sleep_for(Milliseconds(50));  // it is in work
  scrubber.add(id(2), 90);
  scrubber.add(id(3), 10);
  scrubber.add(id(2), 90);
  EXPECT_EQ("", scrubber.trouble());
  go = true;
  for (const unsigned number : {1u, 2u, 3u}) scrubber.wait(id(number), std::chrono::minutes(1));
  EXPECT_THAT(order, ElementsAre(id(1), id(3), id(2)));
  EXPECT_EQ("input/output error", scrubber.trouble());
  ASSERT_TRUE(scrubber.failure(id(3)));
  EXPECT_FALSE(scrubber.failure(id(2)));
  well = true;
  scrubber.add(id(3), 10);
  scrubber.wait(id(3), std::chrono::minutes(1));
  EXPECT_EQ("", scrubber.trouble());
}

}  // namespace
}  // namespace vbs::volume_delegate
