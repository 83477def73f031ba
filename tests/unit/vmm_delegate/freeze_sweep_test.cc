// What a delegate does about freezes that nobody else ends.

#include <filesystem>

#include "tests/unit/vmm_delegate/freeze_fixture.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;

using FreezeSweepTest = FreezeFixture;

TEST_F(FreezeSweepTest, EndsWhatNobodyWatches) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  service.sweep();
  EXPECT_EQ(hypervisor.state("vm1"), "paused") << "it is watched";
  helper.kill(id);
  FreezeService(hypervisor, helper, store, clock).sweep();
  EXPECT_EQ(hypervisor.state("vm1"), "running");
  EXPECT_FALSE(hypervisor.files_frozen("vm1"));
  EXPECT_EQ(service.get(id)->state, "expired");
  hypervisor.set_state("vm1", "paused");
  FreezeService(hypervisor, helper, store, clock).sweep();
  EXPECT_EQ(hypervisor.state("vm1"), "paused") << "what is done is done once";
}

TEST_F(FreezeSweepTest, EndsWhatItsHelperDoesNot) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  clock.advance(std::chrono::seconds(9));
  service.sweep();
  EXPECT_EQ(hypervisor.state("vm1"), "running");
}

// Nothing of it is held, so no helper watches it; its lease was counted by a clock that began anew.
TEST_F(FreezeSweepTest, WhatAnEarlierBootBeganDoesNotKeepItsVm) {
  clock.advance(std::chrono::hours(24 * 30));
  ASSERT_TRUE(service.put(id, {"bare", 5'000, false}));
  test::ManualClock since;
  FreezeService after{hypervisor, helper, store, since};
  EXPECT_FALSE(after.check_not_held("bare"));
  after.sweep();
  EXPECT_TRUE(after.check_not_held("bare"));
  EXPECT_EQ(after.get(id)->state, "expired");

  const Uuid fresh = test_id(2);
  ASSERT_TRUE(after.put(fresh, {"bare", 5'000, false}));
  after.sweep();
  EXPECT_EQ(after.get(fresh)->state, "frozen");
}

TEST_F(FreezeSweepTest, OldFreezesAreForgotten) {
  ASSERT_TRUE(service.put(id, {"vm1", 5'000, true}));
  ASSERT_TRUE(service.remove(id));
  // Files have the machine's time, so this clock goes there first.
  const auto now = SystemClock().wall();
  clock.advance(now - clock.wall() + std::chrono::days(6));
  service.sweep();
  EXPECT_TRUE(service.get(id));
  clock.advance(std::chrono::days(2));
  service.sweep();
  EXPECT_EQ(service.get(id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path("freezes")));
}

}  // namespace
}  // namespace vbs::vmm_delegate
