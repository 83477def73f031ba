#include "volume_delegate/copy_board.h"

#include <gtest/gtest.h>

#include <deque>

#include "common/units.h"
#include "tests/fakes/fake_backing_store.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::id;
using testing::trouble;

constexpr std::uint64_t kCopySize = 8 * kMiB;

class CopyBoardTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ("", trouble(store_.create_volume(id(1), kCopySize))); }

  CopyOrder order(unsigned number) const {
    return {{ObjectKind::snapshot, id(number)}, ObjectRef{ObjectKind::volume, id(1)}, kCopySize};
  }
  Result<void> begin(unsigned number) {
    auto copy = store_.prepare_snapshot(id(number), id(1));
    return copy ? board_.begin(order(number), std::move(*copy), Urgency::usual)
                : fail(copy.error());
  }
  void run_next() {
    Task task = std::move(queue_.front());
    queue_.pop_front();
    task();
  }
  bool made(unsigned number) const { return store_.contains({ObjectKind::snapshot, id(number)}); }

  std::size_t room_ = 8;
  testing::ManualClock clock_;
  fakes::FakeBackingStore store_{100 * kMiB};
  CopyBoard board_{[this](Task task, Urgency) {
                     if (queue_.size() >= room_) return false;
                     queue_.push_back(std::move(task));
                     return true;
                   },
                   clock_};
  std::deque<Task> queue_;  // what waits in it refers to the store
};

/// Counts how often it is begun.
class CountedCopy final : public PreparedCopy {
 public:
  explicit CountedCopy(int& runs) : runs_(runs) {}
  std::uint64_t size_bytes() const override { return kCopySize; }
  bool at_once() const override { return false; }
  Result<void> run(CopyControl&) override {
    ++runs_;
    return {};
  }

 private:
  int& runs_;
};

TEST_F(CopyBoardTest, WhatStandsInLineAtTheEndIsNotBegun) {
  int runs = 0;
  for (unsigned number : {2u, 3u}) {
    ASSERT_EQ("", trouble(board_.begin(order(number), std::make_unique<CountedCopy>(runs),
                                       Urgency::usual)));
  }
  run_next();
  board_.cancel_all();
  run_next();
  EXPECT_EQ(1, runs);
  EXPECT_FALSE(board_.find(id(3)));
}

TEST_F(CopyBoardTest, ShowsACopyUntilItIsDone) {
  ASSERT_EQ("", trouble(begin(2)));
  const auto view = board_.find(id(2));
  ASSERT_TRUE(view);
  EXPECT_EQ(order(2), view->order);
  EXPECT_EQ(id(2), board_.reader_of({ObjectKind::volume, id(1)}));
  EXPECT_EQ(1u, board_.running().size());
  run_next();
  EXPECT_FALSE(board_.find(id(2)));
  EXPECT_FALSE(board_.reader_of({ObjectKind::volume, id(1)}));
  EXPECT_TRUE(made(2));
}

TEST_F(CopyBoardTest, ACancelledCopyLeavesTheBoardAndNoObject) {
  ASSERT_EQ("", trouble(begin(2)));
  store_.set_fault([&](const std::string& call, const ObjectRef&) -> Result<void> {
    if (call != "copy") return {};
    EXPECT_TRUE(board_.cancel(id(2))) << "it runs";
    EXPECT_TRUE(board_.find(id(2))->cancelled);
    return fail(ErrorCode::conflict, "the copy was cancelled");
  });
  run_next();
  EXPECT_FALSE(board_.find(id(2)));
  EXPECT_FALSE(made(2));
}

TEST_F(CopyBoardTest, ACopyThatWaitsForItsTurnIsCancelledAtOnce) {
  const auto before = store_.space()->reserved_bytes;
  ASSERT_EQ("", trouble(begin(2)));
  EXPECT_FALSE(board_.cancel(id(2))) << "nothing has to stop";
  EXPECT_FALSE(board_.find(id(2)));
  EXPECT_EQ(before, store_.space()->reserved_bytes) << "its space is free again";
  ASSERT_EQ("", trouble(begin(2))) << "and so is its id";
  run_next();
  EXPECT_FALSE(made(2)) << "the turn of the first one";
  run_next();
  EXPECT_TRUE(made(2));
  EXPECT_FALSE(board_.find(id(2)));
}

TEST_F(CopyBoardTest, KeepsAFailureUntilItIsForgotten) {
  store_.set_fault([](const std::string& call, const ObjectRef&) -> Result<void> {
    if (call == "copy") return fail(ErrorCode::insufficient_space, "disk full");
    return {};
  });
  ASSERT_EQ("", trouble(begin(2)));
  run_next();
  ASSERT_TRUE(board_.find(id(2))->failure);
  EXPECT_EQ(ErrorCode::insufficient_space, board_.find(id(2))->failure->code);
  EXPECT_TRUE(board_.running().empty());
  EXPECT_FALSE(board_.reader_of({ObjectKind::volume, id(1)})) << "it reads nothing any more";
  board_.forget_failure(id(2));
  EXPECT_FALSE(board_.find(id(2)));
}

TEST_F(CopyBoardTest, FailuresThatNobodyAsksAboutAreForgotten) {
  store_.set_fault([](const std::string& call, const ObjectRef&) -> Result<void> {
    if (call == "copy") return fail(ErrorCode::internal, "input/output error");
    return {};
  });
  ASSERT_EQ("", trouble(begin(2)));
  run_next();
  clock_.advance(std::chrono::minutes(59));
  board_.forget_old_failures();
  EXPECT_TRUE(board_.find(id(2)));
  clock_.advance(std::chrono::minutes(2));
  board_.forget_old_failures();
  EXPECT_FALSE(board_.find(id(2)));
}

TEST_F(CopyBoardTest, RefusesWhenTooManyWaitAndGivesTheSpaceBack) {
  room_ = 1;
  ASSERT_EQ("", trouble(begin(2)));
  const auto before = store_.space()->reserved_bytes;
  EXPECT_TRUE(failed_with(begin(3), ErrorCode::overloaded));
  EXPECT_FALSE(board_.find(id(3)));
  EXPECT_EQ(before, store_.space()->reserved_bytes);
}

TEST_F(CopyBoardTest, CancelAllReachesEveryCopy) {
  ASSERT_EQ("", trouble(begin(2)));
  ASSERT_EQ("", trouble(begin(3)));
  board_.cancel_all();
  run_next();
  run_next();
  EXPECT_FALSE(made(2));
  EXPECT_FALSE(made(3));
}

TEST(CopyBoard, ACopyThatTakesNoTimeIsDoneAtOnce) {
  testing::ManualClock clock;
  fakes::FakeBackingStore store(100 * kMiB, true);
  CopyBoard board([](Task, Urgency) { return false; }, clock);
  ASSERT_EQ("", trouble(store.create_volume(id(1), kCopySize)));
  auto copy = store.prepare_snapshot(id(2), id(1));
  ASSERT_TRUE(copy);
  const CopyOrder order{
      {ObjectKind::snapshot, id(2)}, ObjectRef{ObjectKind::volume, id(1)}, kCopySize};
  EXPECT_EQ("", trouble(board.begin(order, std::move(*copy), Urgency::usual)));
  EXPECT_TRUE(store.contains({ObjectKind::snapshot, id(2)}));
}

}  // namespace
}  // namespace vbs::volume_delegate
