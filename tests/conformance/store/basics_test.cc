// What every store does with volumes by themselves.

#include <thread>

#include "tests/conformance/store/rig.h"

namespace vbs::conformance {
namespace {

TEST_F(StoreTest, ANewVolumeIsZerosAndHasItsSize) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  auto held = store_->find_volume(id);
  ASSERT_EQ("", trouble(held));
  EXPECT_EQ(kSize, held->size_bytes);
  EXPECT_FALSE(held->source);
  EXPECT_TRUE(is_zero(id, 0, kSize));
}

TEST_F(StoreTest, SizesAreKeptToTheMebibyte) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, 7 * kMiB));
  EXPECT_EQ(7 * kMiB, store_->find_volume(id)->size_bytes);
  EXPECT_EQ(7 * kMiB, *store_->source_size(volume(id)));
}

TEST_F(StoreTest, AnIdIsMadeOnce) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  write(id, 0, kMiB, 1);
  EXPECT_EQ(ErrorCode::already_exists, code_of(store_->prepare_empty(id, kSize)));
  EXPECT_TRUE(holds(id, 0, kMiB, 1));
}

TEST_F(StoreTest, ANewStartFindsWhatWasMade) {
  const Uuid id = fresh();
  const Uuid image = fresh();
  const Uuid copied = fresh();
  ASSERT_EQ("", create(id, kSize));
  write(id, kMiB, kMiB, 2);
  ASSERT_EQ("", snapshot(image, id));
  ASSERT_EQ("", copy(copied, kSize, snapshot_of(image)));
  reopen();
  EXPECT_TRUE(holds(id, kMiB, kMiB, 2));
  EXPECT_EQ(id, store_->find_snapshot(image)->volume);
  EXPECT_EQ(kSize, store_->find_snapshot(image)->size_bytes);
  EXPECT_EQ(snapshot_of(image), store_->find_volume(copied)->source);
  auto listing = store_->list();
  EXPECT_EQ(2u, listing->volumes.size());
  EXPECT_EQ(1u, listing->snapshots.size());
}

TEST_F(StoreTest, WhatIsAbsentIsNotFound) {
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_volume(fresh())));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_snapshot(fresh())));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->source_size(volume(fresh()))));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->grow_volume(fresh(), kSize)));
}

TEST_F(StoreTest, AVolumeIsNoSnapshotAndTheOtherWayRound) {
  const Uuid id = fresh();
  const Uuid image = fresh();
  ASSERT_EQ("", create(id, kSize));
  ASSERT_EQ("", snapshot(image, id));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_snapshot(id)));
  EXPECT_EQ(ErrorCode::not_found, code_of(store_->find_volume(image)));
  EXPECT_EQ("", remove(volume(image)));
  EXPECT_TRUE(has(snapshot_of(image)));
  EXPECT_EQ("", remove(snapshot_of(id)));
  EXPECT_TRUE(has(volume(id)));
}

TEST_F(StoreTest, SpaceIsPromisedAndGivenBack) {
  const std::uint64_t before = reserved();
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  EXPECT_GE(reserved(), before + kSize);
  ASSERT_EQ("", remove(volume(id)));
  EXPECT_EQ(before, reserved());
  EXPECT_GT(store_->space()->capacity_bytes, kSize);
}

TEST_F(StoreTest, WhatDoesNotFitIsRefusedWithTheNumbers) {
  const Uuid id = fresh();
  const std::uint64_t capacity = store_->space()->capacity_bytes;
  auto refused = store_->prepare_empty(id, (capacity / kMiB + 1) * kMiB);
  ASSERT_EQ(ErrorCode::insufficient_space, code_of(refused));
  EXPECT_NE(std::string::npos, refused.error().message.find(format_size(capacity)));
  EXPECT_FALSE(has(volume(id)));
  EXPECT_EQ("", create(id, kSize)) << "and the id can be used";
}

TEST_F(StoreTest, WhatIsPreparedHoldsItsSpaceUntilItIsDropped) {
  const Uuid id = fresh();
  const std::uint64_t before = reserved();
  auto prepared = store_->prepare_empty(id, kSize);
  ASSERT_EQ("", trouble(prepared));
  EXPECT_GE(reserved(), before + kSize);
  EXPECT_FALSE(has(volume(id)));
  prepared->reset();
  EXPECT_EQ(before, reserved());
  EXPECT_EQ("", create(id, kSize));
}

TEST_F(StoreTest, OfTwoAtOnceForOneIdOneIsMade) {
  const Uuid id = fresh();
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      if (create(id, kSize).empty()) ++made;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(1, made);
  EXPECT_TRUE(has(volume(id)));
  EXPECT_TRUE(is_zero(id, 0, kSize));
}

TEST_F(StoreTest, ManyAtOnceDoNotDisturbEachOther) {
  std::vector<Uuid> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(fresh());
  std::vector<std::thread> threads;
  std::vector<std::string> results(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&, i] {
      results[i] = create(ids[i], kSize);
      if (results[i].empty() && i % 2 == 1) results[i] = remove(volume(ids[i]));
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ("", results[i]);
    EXPECT_EQ(i % 2 == 0, has(volume(ids[i])));
  }
}

TEST_F(StoreTest, TogetherTheyNeverGetMoreThanThereIs) {
  const auto space = store_->space();
  ASSERT_EQ("", trouble(space));
  const std::uint64_t left = space->capacity_bytes - space->reserved_bytes;
  const std::uint64_t third = left / 3 / kMiB * kMiB;
  std::vector<std::unique_ptr<PreparedCopy>> held(8);
  std::vector<std::thread> threads;
  for (auto& slot : held) {
    threads.emplace_back([&, id = fresh()] {
      auto prepared = store_->prepare_empty(id, third);
      if (prepared) slot = std::move(*prepared);
    });
  }
  for (auto& thread : threads) thread.join();
  const auto made = std::count_if(held.begin(), held.end(), [](auto& slot) { return !!slot; });
  EXPECT_GE(made, 2);
  EXPECT_LE(made, 3);
  EXPECT_LE(reserved(), space->capacity_bytes);
}

TEST_F(StoreTest, GrowingKeepsTheBytesAndAddsZeros) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  write(id, 0, kSize, 3);
  ASSERT_EQ("", grow(id, 2 * kSize + kMiB));
  EXPECT_EQ(2 * kSize + kMiB, store_->find_volume(id)->size_bytes);
  EXPECT_TRUE(holds(id, 0, kSize, 3));
  EXPECT_TRUE(is_zero(id, kSize, kSize + kMiB));
  EXPECT_EQ("", grow(id, 2 * kSize + kMiB)) << "the same again";
  reopen();
  EXPECT_EQ(2 * kSize + kMiB, store_->find_volume(id)->size_bytes);
}

TEST_F(StoreTest, NothingShrinksAndNothingGrowsBeyondTheSpace) {
  const Uuid id = fresh();
  ASSERT_EQ("", create(id, kSize));
  auto shrunk = store_->grow_volume(id, kSize / 2);
  ASSERT_EQ(ErrorCode::invalid_field, code_of(shrunk));
  EXPECT_EQ("size_bytes", shrunk.error().field);
  const std::uint64_t capacity = store_->space()->capacity_bytes;
  EXPECT_EQ(ErrorCode::insufficient_space,
            code_of(store_->grow_volume(id, (capacity / kMiB + 1) * kMiB)));
  EXPECT_EQ(kSize, store_->find_volume(id)->size_bytes);
}

}  // namespace
}  // namespace vbs::conformance
