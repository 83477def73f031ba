#include "vmm_delegate/generations.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;

class GenerationsTest : public testing::Test {
 protected:
  std::unique_ptr<Generations> reopened() {
    auto opened = Generations::open(dir.path("generations"), clock);
    return opened ? *std::move(opened) : nullptr;
  }

  test::TempDir dir;
  test::ManualClock clock;
  const Uuid id = test_id(1);
};

TEST_F(GenerationsTest, RefusesWhatIsOlderThanTheNewest) {
  const auto generations = reopened();
  EXPECT_TRUE(generations->accept(id, 3, Order::make));
  EXPECT_TRUE(generations->accept(id, 3, Order::make));
  EXPECT_EQ(generations->accept(id, 2, Order::make).error().code, ErrorCode::stale_generation);
  EXPECT_TRUE(generations->accept(id, 4, Order::remove));
  EXPECT_EQ(generations->accept(id, 3, Order::remove).error().code, ErrorCode::stale_generation);
  EXPECT_TRUE(generations->accept(test_id(2), 1, Order::make)) << "attachments are apart";
}

TEST_F(GenerationsTest, RemembersAcrossARestart) {
  ASSERT_TRUE(reopened()->accept(id, 7, Order::remove));
  EXPECT_EQ(reopened()->accept(id, 6, Order::make).error().code, ErrorCode::stale_generation);
  ASSERT_TRUE(reopened()->removed(id));
  EXPECT_EQ(reopened()->accept(id, 7, Order::make).error().code, ErrorCode::stale_generation);
}

TEST_F(GenerationsTest, TellsWhatTheLastOrderRemoved) {
  ASSERT_TRUE(reopened()->accept(id, 7, Order::make));
  EXPECT_FALSE(reopened()->is_removed(id));
  ASSERT_TRUE(reopened()->accept(id, 8, Order::remove));
  EXPECT_FALSE(reopened()->is_removed(id)) << "it may have been refused";
  ASSERT_TRUE(reopened()->removed(id));
  EXPECT_TRUE(reopened()->is_removed(id));
  EXPECT_FALSE(reopened()->is_removed(test_id(2)));
  ASSERT_TRUE(reopened()->accept(id, 9, Order::make));
  EXPECT_FALSE(reopened()->is_removed(id));
}

TEST_F(GenerationsTest, AnOrderThatCameBesideItsRemovalComesTooLate) {
  const auto generations = reopened();
  ASSERT_TRUE(generations->accept(id, 7, Order::make));
  ASSERT_TRUE(generations->accept(id, 8, Order::remove));
  EXPECT_TRUE(generations->accept(id, 8, Order::make)) << "the removal was refused, say";
  ASSERT_TRUE(generations->removed(id));
  EXPECT_EQ(generations->accept(id, 8, Order::make).error().code, ErrorCode::stale_generation);
  EXPECT_TRUE(generations->accept(id, 8, Order::remove)) << "again is harmless";
  EXPECT_TRUE(generations->accept(id, 9, Order::remove));
  EXPECT_EQ(generations->accept(id, 9, Order::make).error().code, ErrorCode::stale_generation);
  EXPECT_TRUE(generations->accept(id, 10, Order::make));
  EXPECT_TRUE(generations->accept(id, 10, Order::make)) << "it is there again";
}

TEST_F(GenerationsTest, ARemovalThatWasRefusedIsNotForgotten) {
  const auto generations = reopened();
  ASSERT_TRUE(generations->accept(id, 7, Order::remove));
  clock.advance(std::chrono::days(8));
  ASSERT_TRUE(generations->prune());
  EXPECT_EQ(generations->accept(id, 6, Order::make).error().code, ErrorCode::stale_generation);
}

TEST_F(GenerationsTest, ForgetsTheRemovedAfterAWeek) {
  const auto generations = reopened();
  ASSERT_TRUE(generations->accept(id, 7, Order::remove));
  ASSERT_TRUE(generations->removed(id));
  ASSERT_TRUE(generations->accept(test_id(2), 7, Order::make));
  clock.advance(std::chrono::days(7));
  ASSERT_TRUE(generations->prune());
  EXPECT_FALSE(generations->accept(id, 6, Order::make));
  clock.advance(std::chrono::hours(1));
  ASSERT_TRUE(generations->prune());
  EXPECT_TRUE(generations->accept(id, 6, Order::make));
  EXPECT_FALSE(generations->accept(test_id(2), 6, Order::make)) << "this one was never removed";
  EXPECT_TRUE(reopened()->accept(id, 6, Order::make)) << "the file is gone too";
}

TEST_F(GenerationsTest, ADamagedFileStopsTheStart) {
  ASSERT_TRUE(reopened()->accept(id, 7, Order::make));
  std::ofstream(dir.path("generations") + "/" + id.str() + ".json") << "{}";
  const auto opened = Generations::open(dir.path("generations"), clock);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(id.str()), std::string::npos);
}

TEST_F(GenerationsTest, FilesOfOthersArePassedOver) {
  ASSERT_TRUE(reopened());
  std::ofstream(dir.path("generations") + "/notes.json") << "mine";
  EXPECT_TRUE(reopened());
}

}  // namespace
}  // namespace vbs::vmm_delegate
