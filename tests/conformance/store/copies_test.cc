// Snapshots, and volumes made from something.

#include <thread>

#include "tests/conformance/store/rig.h"

namespace vbs::conformance {
namespace {

class CopiesTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    if (HasFatalFailure()) return;
    ASSERT_EQ("", create(origin_, kSize));
    write(origin_, 0, 2 * kMiB, 1);
  }
  const Uuid origin_ = fresh();
};

TEST_F(CopiesTest, ASnapshotShowsTheMomentItWasMade) {
  const Uuid image = fresh();
  const Uuid restored = fresh();
  ASSERT_EQ("", snapshot(image, origin_));
  write(origin_, 0, kMiB, 2);
  write(origin_, 8 * kMiB, kMiB, 2);
  ASSERT_EQ("", copy(restored, kSize, snapshot_of(image)));
  EXPECT_TRUE(holds(restored, 0, 2 * kMiB, 1));
  EXPECT_TRUE(is_zero(restored, 8 * kMiB, kMiB));
  EXPECT_TRUE(holds(origin_, 0, kMiB, 2));
}

TEST_F(CopiesTest, ASnapshotCanBeUsedManyTimes) {
  const Uuid image = fresh();
  ASSERT_EQ("", snapshot(image, origin_));
  const Uuid one = fresh();
  const Uuid two = fresh();
  ASSERT_EQ("", copy(one, kSize, snapshot_of(image)));
  write(one, 0, kMiB, 5);
  ASSERT_EQ("", copy(two, kSize, snapshot_of(image)));
  EXPECT_TRUE(holds(two, 0, 2 * kMiB, 1)) << "what is written to a copy is the copy's own";
}

TEST_F(CopiesTest, SnapshotsOfOneVolumeKeepTheirOwnMoments) {
  const Uuid first = fresh();
  const Uuid second = fresh();
  ASSERT_EQ("", snapshot(first, origin_));
  write(origin_, 0, kMiB, 2);
  ASSERT_EQ("", snapshot(second, origin_));
  write(origin_, 0, kMiB, 3);
  ASSERT_EQ("", remove(snapshot_of(first)));
  const Uuid restored = fresh();
  ASSERT_EQ("", copy(restored, kSize, snapshot_of(second)));
  EXPECT_TRUE(holds(restored, 0, kMiB, 2));
}

TEST_F(CopiesTest, ACopyOfAVolumeIsItsOwn) {
  const Uuid copied = fresh();
  ASSERT_EQ("", copy(copied, kSize, volume(origin_)));
  write(origin_, 0, kMiB, 2);
  EXPECT_TRUE(holds(copied, 0, 2 * kMiB, 1));
  EXPECT_EQ(volume(origin_), store_->find_volume(copied)->source);
  ASSERT_EQ("", remove(volume(origin_)));
  EXPECT_TRUE(holds(copied, 0, 2 * kMiB, 1)) << "it does not need what it was made from";
}

TEST_F(CopiesTest, ALargerCopyEndsInZeros) {
  const Uuid image = fresh();
  const Uuid larger = fresh();
  ASSERT_EQ("", snapshot(image, origin_));
  ASSERT_EQ("", copy(larger, 2 * kSize, snapshot_of(image)));
  EXPECT_EQ(2 * kSize, store_->find_volume(larger)->size_bytes);
  EXPECT_TRUE(holds(larger, 0, 2 * kMiB, 1));
  EXPECT_TRUE(is_zero(larger, 2 * kMiB, 2 * kSize - 2 * kMiB));
}

TEST_F(CopiesTest, ASmallerCopyIsRefused) {
  const Uuid smaller = fresh();
  auto refused = store_->prepare_volume(smaller, kSize / 2, volume(origin_));
  ASSERT_EQ(ErrorCode::invalid_field, code_of(refused));
  EXPECT_EQ("size_bytes", refused.error().field);
  EXPECT_FALSE(has(volume(smaller)));
}

TEST_F(CopiesTest, AMissingSourceIsNamed) {
  for (const ObjectRef& source : {volume(fresh()), snapshot_of(fresh()), snapshot_of(origin_)}) {
    auto refused = store_->prepare_volume(fresh(), kSize, source);
    ASSERT_EQ(ErrorCode::not_found, code_of(refused)) << source.str();
    EXPECT_EQ("source", refused.error().field);
  }
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->prepare_snapshot(fresh(), fresh())));
}

TEST_F(CopiesTest, ACancelledCopyLeavesNothing) {
  const Uuid copied = fresh();
  const std::uint64_t before = reserved();
  auto prepared = store_->prepare_volume(copied, kSize, volume(origin_));
  ASSERT_EQ("", trouble(prepared));
  if ((*prepared)->at_once()) GTEST_SKIP() << "a copy takes no time here: nothing to cancel";
  CopyControl control;
  control.cancelled = true;
  EXPECT_EQ(ErrorCode::conflict, code_of((*prepared)->run(control)));
  prepared->reset();
  EXPECT_FALSE(has(volume(copied)));
  for (int i = 0; i < 100 && reserved() != before; ++i) {
    std::this_thread::sleep_for(Milliseconds(100));
  }
  EXPECT_EQ(before, reserved());
}

TEST_F(CopiesTest, SnapshotsCountAsSpace) {
  const std::uint64_t before = reserved();
  const Uuid image = fresh();
  ASSERT_EQ("", snapshot(image, origin_));
  EXPECT_GE(reserved(), before + kSize) << "all of it may be overwritten";
  ASSERT_EQ("", remove(snapshot_of(image)));
  EXPECT_EQ(before, reserved());
}

TEST_F(CopiesTest, AVolumeIsNotRemovedFromUnderItsSnapshots) {
  const Uuid image = fresh();
  ASSERT_EQ("", snapshot(image, origin_));
  if (store_->snapshots_need_volume()) {
    EXPECT_EQ(ErrorCode::conflict, code_of(store_->remove_volume(origin_)));
    EXPECT_TRUE(holds(origin_, 0, 2 * kMiB, 1));
    return;
  }
  ASSERT_EQ("", remove(volume(origin_)));
  const Uuid restored = fresh();
  ASSERT_EQ("", copy(restored, kSize, snapshot_of(image)));
  EXPECT_TRUE(holds(restored, 0, 2 * kMiB, 1));
}

TEST_F(CopiesTest, AVolumeWithSnapshotsGrowsOrSaysWhyNot) {
  const Uuid image = fresh();
  ASSERT_EQ("", snapshot(image, origin_));
  auto grown = store_->grow_volume(origin_, 2 * kSize);
  if (!grown) {
    EXPECT_EQ(ErrorCode::conflict, grown.error().code) << describe(grown.error());
    EXPECT_EQ(kSize, store_->find_volume(origin_)->size_bytes);
  }
  const Uuid restored = fresh();
  ASSERT_EQ("", copy(restored, kSize, snapshot_of(image)));
  EXPECT_EQ(kSize, store_->find_snapshot(image)->size_bytes);
  EXPECT_TRUE(holds(restored, 0, 2 * kMiB, 1));
}

}  // namespace
}  // namespace vbs::conformance
