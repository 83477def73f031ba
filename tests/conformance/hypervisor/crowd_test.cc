// Several at once, and machines and processes that stop in the middle.

#include <future>

#include "tests/conformance/hypervisor/child.h"
#include "tests/conformance/hypervisor/fixture.h"

namespace vbs::conformance {
namespace {

constexpr unsigned kCrowd = 6;
/// Longer than any call may take, with room for a loaded machine.
constexpr std::chrono::seconds kBound{20};

TEST_F(HypervisorConformance, ManyVolumesForOneVmAtOnce) {
  std::vector<Storage> storage;
  for (unsigned n = 0; n < kCrowd; ++n) storage.push_back(rig->storage(n + 1, false, true));
  std::vector<std::future<bool>> all;
  for (unsigned n = 0; n < kCrowd; ++n) {
    all.push_back(std::async(std::launch::async, [&, n] {
      return settle<wire::DeviceStatus>(
                 [&] { return attach_storage(*hypervisor, n + 1, "vm1", storage[n]); })
          .has_value();
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(serials().size(), kCrowd);
  EXPECT_EQ(hypervisor->look("vm1")->devices.size(), kCrowd);
}

TEST_F(HypervisorConformance, TheSameAttachManyTimesAtOnceShowsOneDisk) {
  const Storage storage = rig->storage(1, false, true);
  std::vector<std::future<bool>> all;
  for (unsigned n = 0; n < kCrowd; ++n) {
    all.push_back(std::async(std::launch::async, [&] {
      return settle<wire::DeviceStatus>(
                 [&] { return attach_storage(*hypervisor, 1, "vm1", storage); })
          .has_value();
    }));
  }
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(serials(), Serials{serial(1)});
}

TEST_F(HypervisorConformance, AttachAndDetachAtOnceLeaveNoHalf) {
  const Storage storage = rig->storage(1, false, true);
  for (int round = 0; round < 3; ++round) {
    auto attaching = std::async(std::launch::async, [&] {
      return settle<wire::DeviceStatus>(
          [&] { return attach_storage(*hypervisor, 1, "vm1", storage); });
    });
    const bool gone = detach_settled(1);
    EXPECT_TRUE(gone);
    EXPECT_TRUE(attaching.get());
    const auto view = hypervisor->look("vm1");
    ASSERT_TRUE(view);
    EXPECT_EQ(view->devices.size(), serials().size()) << "what is shown is what is there";
    for (const auto& one : view->devices) EXPECT_EQ(one.state, "attached");
  }
  EXPECT_TRUE(detach_settled(1));
  EXPECT_EQ(serials(), Serials{});
}

TEST_F(HypervisorConformance, AVmThatHangsHoldsUpNobodyElse) {
  rig->start("vm2");
  const Storage hanging = rig->storage(1, false, true);
  const Storage other = rig->storage(2, false, true);
  if (!rig->hang("vm1", true)) GTEST_SKIP() << "this hypervisor's VMs cannot be made to hang";
  const auto begin = std::chrono::steady_clock::now();
  auto stuck = std::async(std::launch::async,
                          [&] { return attach_storage(*hypervisor, 1, "vm1", hanging); });
  const auto attached = attach_storage(*hypervisor, 2, "vm2", other);
  EXPECT_TRUE(attached) << attached.error().message;
  EXPECT_TRUE(hypervisor->look("vm2"));
  EXPECT_TRUE(detach(2, "vm2"));
  const auto outcome = stuck.get();
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(is_transient(outcome.error().code)) << outcome.error().message;
  const auto vms = hypervisor->vms();
  EXPECT_TRUE(vms) << vms.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2 * kBound);
  rig->hang("vm1", false);
  const auto after =
      settle<wire::DeviceStatus>([&] { return attach_storage(*hypervisor, 1, "vm1", hanging); });
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(serials(), Serials{serial(1)});
}

TEST_F(HypervisorConformance, ADetachFromAVmThatHangsEndsInTimeAndIsDoneLater) {
  ASSERT_TRUE(attach(1));
  if (!rig->hang("vm1", true)) GTEST_SKIP() << "this hypervisor's VMs cannot be made to hang";
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = detach(1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kBound);
  EXPECT_TRUE(!outcome || !outcome->waiting_for.empty()) << "nothing proves that it let go";
  rig->hang("vm1", false);
  EXPECT_TRUE(detach_settled(1));
  EXPECT_EQ(serials(), Serials{});
}

TEST_F(HypervisorConformance, AnAttachThatWasKilledIsCompletedByTheNext) {
  const Storage storage = rig->storage(1, false, true);
  for (const char* point : {"vmmd.attach.before-device", "vmmd.attach.after-device"}) {
    ASSERT_TRUE(killed_at(point, rig->configuration(), id(1), {"vm1", device(1), storage.session},
                          storage.host_path))
        << point;
    const auto status =
        settle<wire::DeviceStatus>([&] { return attach_storage(*hypervisor, 1, "vm1", storage); });
    ASSERT_TRUE(status) << point << ": " << status.error().message;
    EXPECT_EQ(serials(), Serials{serial(1)}) << point;
    ASSERT_TRUE(rig->write("vm1", serial(1), 'k')) << point;
    ASSERT_TRUE(detach_settled(1)) << point;
    EXPECT_EQ(serials(), Serials{}) << point;
  }
}

TEST_F(HypervisorConformance, WhatAKilledAttachLeftCanBeTakenAway) {
  const Storage storage = rig->storage(1, false, true);
  ASSERT_TRUE(killed_at("vmmd.attach.after-device", rig->configuration(), id(1),
                        {"vm1", device(1), storage.session}, storage.host_path));
  ASSERT_TRUE(detach_settled(1));
  EXPECT_EQ(serials(), Serials{});
  EXPECT_TRUE(hypervisor->look("vm1")->devices.empty());
}

TEST_F(HypervisorConformance, WhatAKilledDaemonLeftIsTakenAwayByWhoeverComes) {
  const Storage storage = rig->storage(1, false, true);
  if (!rig->leave_half("vm1", id(1), storage))
    GTEST_SKIP() << "the driver speaks with the VM itself";
  ASSERT_TRUE(rig->has_open("vm1", storage));
  EXPECT_TRUE(detach_settled(1));
  EXPECT_FALSE(rig->has_open("vm1", storage));
  rig->leave_half("vm1", id(1), storage);
  const auto status =
      settle<wire::DeviceStatus>([&] { return attach_storage(*hypervisor, 1, "vm1", storage); });
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(serials(), Serials{serial(1)});
  ASSERT_TRUE(rig->write("vm1", serial(1), 'k'));
  EXPECT_TRUE(detach_settled(1));
  EXPECT_FALSE(rig->has_open("vm1", storage));
}

TEST_F(HypervisorConformance, ADetachThatWasKilledIsCompletedByTheNext) {
  const Storage storage = rig->storage(1, false, true);
  for (const char* point : {"vmmd.detach.before-device-del", "vmmd.detach.after-device-del"}) {
    ASSERT_TRUE(attach(1)) << point;
    ASSERT_TRUE(killed_at(point, rig->configuration(), id(1), {"vm1", "", {}}, "")) << point;
    ASSERT_TRUE(detach_settled(1)) << point;
    EXPECT_EQ(serials(), Serials{}) << point;
    EXPECT_TRUE(shows_foreign()) << point;
  }
}

}  // namespace
}  // namespace vbs::conformance
