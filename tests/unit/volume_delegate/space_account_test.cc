#include "volume_delegate/store/space_account.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "common/units.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::id;

ObjectRef volume(unsigned number) {
  return {ObjectKind::volume, id(number)};
}

class SpaceAccountTest : public ::testing::Test {
 protected:
  void open(std::map<ObjectRef, std::uint64_t> existing = {}, unsigned reserve_percent = 0) {
    auto account = SpaceAccount::open(std::move(existing), reserve_percent,
                                      [this](const auto&) { return Result<std::uint64_t>(room_); });
    ASSERT_TRUE(account);
    account_ = std::move(*account);
  }
  bool keep(unsigned number, std::uint64_t bytes) {
    auto reservation = account_->reserve(volume(number), bytes);
    if (!reservation) return false;
    reservation->keep();
    return true;
  }
  std::uint64_t promised() { return account_->space().reserved_bytes; }

  std::atomic<std::uint64_t> room_{100 * kMiB};
  std::unique_ptr<SpaceAccount> account_;
};

TEST_F(SpaceAccountTest, PromisesUpToTheCapacityAndNotAByteMore) {
  open();
  EXPECT_TRUE(keep(1, 60 * kMiB));
  EXPECT_FALSE(keep(2, 41 * kMiB));
  EXPECT_TRUE(keep(3, 40 * kMiB));
  EXPECT_FALSE(keep(4, 1));
  EXPECT_EQ(100 * kMiB, promised());
}

// Else making a volume would cost what there are volumes.
TEST_F(SpaceAccountTest, LooksAtFilesOnlyWhereFreeSpaceIsNotEnough) {
  std::uint64_t free = 100 * kMiB;
  int looks = 0;
  const auto measure = [&](const std::vector<ObjectRef>& objects) {
    if (!objects.empty()) ++looks;
    return Result<std::uint64_t>(free + objects.size() * 10 * kMiB);
  };
  account_ = *SpaceAccount::open({}, 0, measure);
  for (unsigned number = 1; number <= 4; ++number) ASSERT_TRUE(keep(number, 10 * kMiB));
  EXPECT_EQ(0, looks);
  free = 60 * kMiB;  // they have been written to
  ASSERT_TRUE(keep(5, 10 * kMiB));
  EXPECT_EQ(0, looks);
  free = 50 * kMiB;
  ASSERT_TRUE(keep(6, 40 * kMiB));
  EXPECT_EQ(1, looks);
  EXPECT_FALSE(keep(7, 30 * kMiB));
}

TEST_F(SpaceAccountTest, ExtendsWithinTheRoom) {
  open({{volume(1), 60 * kMiB}});
  ASSERT_TRUE(keep(2, 10 * kMiB));
  EXPECT_TRUE(account_->extend(volume(1), 90 * kMiB));
  EXPECT_EQ(100 * kMiB, promised());
  EXPECT_TRUE(account_->extend(volume(1), 50 * kMiB)) << "it has that already";
  EXPECT_EQ(100 * kMiB, promised());
  EXPECT_TRUE(failed_with(account_->extend(volume(2), 10 * kMiB + 1), ErrorCode::insufficient_space,
                          "100M of 100M are promised"));
  account_->give_back(volume(1), 60 * kMiB);
  EXPECT_EQ(70 * kMiB, promised());
  room_ = 75 * kMiB;
  EXPECT_TRUE(failed_with(account_->extend(volume(2), 20 * kMiB), ErrorCode::insufficient_space,
                          "other users of the file system"));
  EXPECT_EQ(70 * kMiB, promised());
}

TEST_F(SpaceAccountTest, TakesOverWhatGrewByOtherHands) {
  open({{volume(1), 10 * kMiB}});
  account_->reconcile({{volume(1), 30 * kMiB}}, [](const ObjectRef&) { return false; });
  EXPECT_EQ(30 * kMiB, promised());
  account_->reconcile({{volume(1), 20 * kMiB}}, [](const ObjectRef&) { return false; });
  EXPECT_EQ(30 * kMiB, promised()) << "a listing from before a growth takes nothing back";
}

TEST_F(SpaceAccountTest, KeepsTheReserve) {
  open({}, 10);
  EXPECT_EQ(90 * kMiB, account_->space().capacity_bytes);
  EXPECT_FALSE(keep(1, 91 * kMiB));
  EXPECT_TRUE(keep(1, 90 * kMiB));
}

TEST_F(SpaceAccountTest, CountsWhatWasThereBefore) {
  open({{volume(1), 70 * kMiB}});
  EXPECT_TRUE(failed_with(account_->reserve(volume(2), 31 * kMiB), ErrorCode::insufficient_space,
                          "70M of 100M are promised to 1 volumes"));
}

TEST_F(SpaceAccountTest, GivesBackWhatWasNotKept) {
  open();
  {
    const auto dropped = account_->reserve(volume(1), 80 * kMiB);
    EXPECT_EQ(80 * kMiB, promised());
  }
  EXPECT_EQ(0u, promised());
  EXPECT_TRUE(keep(1, 80 * kMiB));
  account_->release(volume(1));
  EXPECT_EQ(0u, promised());
}

TEST_F(SpaceAccountTest, AMovedReservationIsGivenBackOnce) {
  open();
  auto first = account_->reserve(volume(1), 10 * kMiB);
  auto second = account_->reserve(volume(2), 20 * kMiB);
  ASSERT_TRUE(first && second);
  *first = std::move(*second);
  EXPECT_EQ(20 * kMiB, promised());
  *first = SpaceReservation();
  EXPECT_EQ(0u, promised());
}

TEST_F(SpaceAccountTest, RefusesWhenOthersTookTheDisk) {
  open();
  room_ = 50 * kMiB;
  EXPECT_TRUE(failed_with(account_->reserve(volume(1), 51 * kMiB), ErrorCode::insufficient_space,
                          "other users"));
  EXPECT_TRUE(keep(1, 50 * kMiB));
}

TEST_F(SpaceAccountTest, DoesNotGrowBeyondTheStart) {
  open();
  room_ = 500 * kMiB;
  EXPECT_FALSE(keep(1, 101 * kMiB));
}

TEST_F(SpaceAccountTest, OneObjectIsPromisedOnce) {
  open();
  EXPECT_TRUE(keep(1, kMiB));
  EXPECT_TRUE(failed_with(account_->reserve(volume(1), kMiB), ErrorCode::already_exists));
}

TEST_F(SpaceAccountTest, ReconcilesWithWhatIsThere) {
  open({{volume(1), 10 * kMiB}, {volume(2), 20 * kMiB}});
  const auto being_made = account_->reserve(volume(3), 30 * kMiB);
  const std::map<ObjectRef, std::uint64_t> present = {{volume(1), 10 * kMiB},
                                                      {volume(4), 5 * kMiB}};
  account_->reconcile(present, [](const ObjectRef& object) { return object == volume(2); });
  EXPECT_EQ(45 * kMiB, promised());
}

TEST_F(SpaceAccountTest, SixteenAtOnceNeverExceedIt) {
  open();
  std::atomic<unsigned> made{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 50; ++i) {
        if (keep(t * 100 + i, 3 * kMiB)) ++made;
        EXPECT_LE(promised(), 100 * kMiB);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(33u, made);
  EXPECT_EQ(99 * kMiB, promised());
}

}  // namespace
}  // namespace vbs::volume_delegate
