// What a VM shows, and that it goes again.

#include "tests/conformance/hypervisor/fixture.h"

namespace vbs::conformance {
namespace {

TEST_F(HypervisorConformance, ShowsAVolumeAndTakesItAway) {
  const auto status = attach(1);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->attachment, id(1));
  EXPECT_EQ(status->vm, "vm1");
  EXPECT_EQ(status->serial, serial(1));
  EXPECT_EQ(status->state, "attached");
  EXPECT_FALSE(status->read_only);
  EXPECT_EQ(serials(), Serials{serial(1)});
  const auto view = hypervisor->look("vm1");
  ASSERT_TRUE(view) << view.error().message;
  ASSERT_NE(view->find(id(1)), nullptr);
  EXPECT_EQ(view->find(id(1))->serial, serial(1));
  const auto detached = detach(1);
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_EQ(detached->waiting_for, "");
  EXPECT_EQ(serials(), Serials{});
  EXPECT_TRUE(hypervisor->look("vm1")->devices.empty());
}

TEST_F(HypervisorConformance, WhatTheVmWritesReachesTheStorage) {
  ASSERT_TRUE(attach(1));
  ASSERT_TRUE(rig->write("vm1", serial(1), 'v'));
  EXPECT_EQ(rig->first_byte(1), 'v');
  ASSERT_TRUE(detach(1));
  EXPECT_EQ(rig->first_byte(1), 'v');
  ASSERT_TRUE(attach(1)) << "the storage is free for the next";
  ASSERT_TRUE(rig->write("vm1", serial(1), 'w'));
  EXPECT_EQ(rig->first_byte(1), 'w');
}

TEST_F(HypervisorConformance, AReadOnlyVolumeTakesNoWrites) {
  const auto status = attach(1, "vm1", true);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->read_only);
  ASSERT_EQ(rig->disks("vm1").size(), 2U);
  EXPECT_TRUE(rig->disks("vm1").front().read_only);
  EXPECT_TRUE(hypervisor->look("vm1")->devices.front().read_only);
  EXPECT_FALSE(rig->write("vm1", serial(1), 'v'));
  EXPECT_EQ(rig->first_byte(1), '\0');
}

TEST_F(HypervisorConformance, TheSameAttachTwiceShowsOneDisk) {
  ASSERT_TRUE(attach(1));
  const auto again = attach(1);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->serial, serial(1));
  EXPECT_EQ(serials(), Serials{serial(1)});
  Storage known = rig->storage(1, false, true);
  known.host_path.clear();  // who sees it shown logs in no more
  EXPECT_TRUE(attach_storage(*hypervisor, 1, "vm1", known));
}

TEST_F(HypervisorConformance, AnotherVolumeUnderTheSameAttachmentIsRefused) {
  ASSERT_TRUE(attach(1));
  const auto other = attach_storage(*hypervisor, 1, "vm1", rig->storage(2, false, true));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::operation_in_progress);
  EXPECT_EQ(serials(), Serials{serial(1)});
}

TEST_F(HypervisorConformance, DetachingWhatIsNotShownSucceeds) {
  EXPECT_TRUE(detach(1));
  ASSERT_TRUE(attach(1));
  EXPECT_TRUE(detach(1));
  EXPECT_TRUE(detach(1)) << "again";
  EXPECT_TRUE(detach(1, "nobody")) << "an unknown VM shows nothing";
  EXPECT_TRUE(shows_foreign());
}

TEST_F(HypervisorConformance, VolumesOfOneVmComeAndGoByThemselves) {
  for (const unsigned number : {1U, 2U, 3U}) ASSERT_TRUE(attach(number)) << number;
  ASSERT_TRUE(detach(2));
  EXPECT_EQ(serials(), (Serials{serial(1), serial(3)}));
  EXPECT_EQ(hypervisor->look("vm1")->devices.size(), 2U);
  EXPECT_EQ(hypervisor->look("vm1")->find(id(2)), nullptr);
  ASSERT_TRUE(attach(2));
  EXPECT_EQ(serials(), (Serials{serial(1), serial(2), serial(3)}));
}

TEST_F(HypervisorConformance, EachVmShowsItsOwn) {
  rig->start("vm2");
  ASSERT_TRUE(attach(1, "vm1"));
  ASSERT_TRUE(attach(2, "vm2"));
  EXPECT_EQ(serials("vm1"), Serials{serial(1)});
  EXPECT_EQ(serials("vm2"), Serials{serial(2)});
  EXPECT_TRUE(detach(1, "vm2")) << "it shows nothing of it";
  EXPECT_EQ(serials("vm1"), Serials{serial(1)}) << "and the other VM keeps it";
}

TEST_F(HypervisorConformance, SomebodyElsesDiskIsNeitherShownNorTouched) {
  EXPECT_TRUE(hypervisor->look("vm1")->devices.empty());
  ASSERT_TRUE(attach(1));
  EXPECT_EQ(hypervisor->look("vm1")->devices.size(), 1U);
  ASSERT_TRUE(detach(1));
  EXPECT_TRUE(shows_foreign());
  if (rig->keeps_disks()) {
    rig->cut_power("vm1");
    ASSERT_TRUE(detach(1));
    rig->start("vm1");
    EXPECT_TRUE(shows_foreign());
  }
}

TEST_F(HypervisorConformance, AFailedAttachLeavesNothingBehind) {
  const auto failed = attach(1, "vm1", false, false);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::node_unavailable) << failed.error().message;
  EXPECT_TRUE(hypervisor->look("vm1")->devices.empty());
  EXPECT_EQ(serials(), Serials{});
  const auto right = attach(1);
  ASSERT_TRUE(right) << right.error().message;
  EXPECT_EQ(serials(), Serials{serial(1)});
}

TEST_F(HypervisorConformance, ANewProcessSeesAndRemovesWhatIsShown) {
  ASSERT_TRUE(attach(1));
  hypervisor = make_driver(rig->configuration());
  const auto view = hypervisor->look("vm1");
  ASSERT_TRUE(view);
  ASSERT_NE(view->find(id(1)), nullptr);
  EXPECT_EQ(view->find(id(1))->state, "attached");
  ASSERT_TRUE(detach(1));
  EXPECT_EQ(serials(), Serials{});
}

TEST_F(HypervisorConformance, AReaderSeesAGrowthAtOnceOrWhenItIsAttachedAnew) {
  ASSERT_TRUE(attach(1, "vm1", true));
  rig->grow(1, 2 * kSize);
  const auto resized = settle<void>([&] { return hypervisor->resize("vm1", id(1), 2 * kSize); });
  EXPECT_EQ(resized.has_value(), hypervisor->look("vm1")->devices.front().grows);
  if (!resized) {
    EXPECT_EQ(resized.error().code, ErrorCode::conflict) << resized.error().message;
    ASSERT_TRUE(detach_settled(1));
    ASSERT_TRUE(attach(1, "vm1", true));
  }
  for (const ShownDisk& disk : rig->disks("vm1")) {
    if (disk.serial == serial(1)) {
      EXPECT_EQ(disk.size_bytes, 2 * kSize);
    }
  }
}

TEST_F(HypervisorConformance, AVolumeThatHasGrownIsShownLarger) {
  const auto attached = attach(1);
  ASSERT_TRUE(attached) << attached.error().message;
  ASSERT_TRUE(hypervisor->resize("vm1", id(1), kSize)) << "it has that size already";
  const auto early = hypervisor->resize("vm1", id(1), 2 * kSize);
  ASSERT_FALSE(early) << "its storage has not grown";
  EXPECT_EQ(early.error().code, ErrorCode::node_unavailable) << early.error().message;
  rig->grow(1, 2 * kSize);
  const auto resized = hypervisor->resize("vm1", id(1), 2 * kSize);
  ASSERT_TRUE(resized) << resized.error().message;
  EXPECT_EQ(rig->disks("vm1").front().size_bytes, 2 * kSize);
  rig->grow(1, 4 * kSize);
  const auto more = hypervisor->resize("vm1", id(1), 3 * kSize);
  ASSERT_TRUE(more) << "storage in whole extents has more than was ordered: "
                    << more.error().message;
  EXPECT_EQ(rig->disks("vm1").front().size_bytes, 4 * kSize);
  EXPECT_EQ(hypervisor->resize("vm1", id(2), kSize).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace vbs::conformance
