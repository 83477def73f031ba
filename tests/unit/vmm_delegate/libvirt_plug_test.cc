#include "vmm_delegate/hypervisor/libvirt/libvirt_plug.h"

#include <gmock/gmock.h>

#include "tests/fakes/fake_libvirt.h"
#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

using test::test_id;

class LibvirtPlugTest : public testing::Test {
 protected:
  LibvirtPlugTest() { fake.live.scsi_controllers[0] = fake.saved.scsi_controllers[0] = true; }

  Disk disk() const {
    Disk disk;
    disk.alias = alias_of(id);
    disk.source = kPath;
    disk.target = "sdb";
    disk.serial = spec.session.volume.str();
    return disk;
  }
  void show(bool live, bool saved) {
    if (live) fake.live.disks.push_back(disk());
    if (saved) fake.saved.disks.push_back(disk());
  }
  Result<Detachment> take_away() { return unplug(fake.domain(), options, "vm1", id); }
  Result<wire::DeviceStatus> put() { return plug(fake.domain(), options, id, spec, kPath); }

  /// As a libvirtd that was killed in the middle of an attach leaves it.
  void leave_orphan() {
    fake.qemu_devices = {"scsi0", alias_of(id)};
    fake.qemu_nodes = {{"libvirt-1-format", kPath},
                       {"libvirt-1-storage", kPath},
                       {"libvirt-2-storage", "/dev/disk/by-path/another"}};
    fake.used_by = {{"libvirt-1-storage", "libvirt-1-format"},
                    {"libvirt-1-format", "libvirt-9-format"}};
  }

  const Uuid id = test_id(1);
  const std::string kPath = "/dev/disk/by-path/ip-1-iscsi-iqn.2026-01.vbs:" + id.str() + "-lun-1";
  const wire::DeviceSpec spec = test::device_spec("vm1", test_id(100));
  LibvirtOptions options;
  fakes::FakeLibvirt fake;
};

TEST_F(LibvirtPlugTest, ADetachFirstWaitsForAnAttachThatIsUnderWay) {
  fake.under_way = [this] { show(true, true); };
  const auto gone = take_away();
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_EQ(gone->waiting_for, "");
  EXPECT_TRUE(fake.live.disks.empty());
  EXPECT_TRUE(fake.saved.disks.empty());
}

TEST_F(LibvirtPlugTest, AnAttachFirstWaitsForAnotherThatIsUnderWay) {
  fake.under_way = [this] { show(true, true); };
  const auto status = put();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(fake.live.disks.size(), 1U);
  EXPECT_EQ(fake.saved.disks.size(), 1U);
  EXPECT_THAT(fake.done, testing::ElementsAre("settle"));
}

TEST_F(LibvirtPlugTest, WhatShowsUpDuringTheDetachIsNotCalledGone) {
  for (const bool live : {true, false}) {
    fake.live.disks.clear();
    fake.saved.disks.clear();
    fake.under_way = [&] {
      // What was asked for earlier gets its turn only when the next question waits.
      fake.under_way = [&] { show(live, !live); };
    };
    const auto gone = take_away();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, ErrorCode::timeout);
    EXPECT_THAT(gone.error().message, testing::HasSubstr("an earlier request"));
    EXPECT_TRUE(take_away()) << "the next one takes it";
  }
}

TEST_F(LibvirtPlugTest, AVmThatGoesOffDuringItsDetachLosesTheDiskFromItsDefinition) {
  show(true, true);
  fake.on_detach = [this] { fake.active = false; };
  const auto gone = take_away();
  ASSERT_TRUE(gone) << gone.error().message;
  EXPECT_TRUE(fake.saved.disks.empty());
  EXPECT_THAT(fake.done, testing::ElementsAre("settle", "detach live saved", "detach saved"));
}

TEST_F(LibvirtPlugTest, AVmThatGoesOffAfterItsDetachProvesNoRefusal) {
  show(true, false);
  fake.under_way = [this] { fake.under_way = [this] { fake.active = false; }; };
  const auto gone = take_away();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::timeout);
  EXPECT_TRUE(take_away());
}

TEST_F(LibvirtPlugTest, WhatOnlyTheDefinitionHasIsSeen) {
  show(false, true);
  for (const bool active : {true, false}) {
    fake.active = active;
    const auto view = look(fake.domain(), "vm1");
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(view->status.state, active ? "running" : "off");
    ASSERT_NE(view->find(id), nullptr);
    EXPECT_EQ(view->find(id)->state, "detaching");
    EXPECT_EQ(view->find(id)->serial, spec.session.volume.str());
  }
  ASSERT_TRUE(take_away());
  EXPECT_TRUE(look(fake.domain(), "vm1")->devices.empty());
}

TEST_F(LibvirtPlugTest, WhatIsShownIsAttachedWhateverTheDefinitionHas) {
  for (const bool saved : {true, false}) {
    fake.live.disks.clear();
    fake.saved.disks.clear();
    show(true, saved);
    const auto view = look(fake.domain(), "vm1");
    ASSERT_EQ(view->devices.size(), 1U);
    EXPECT_EQ(view->devices.front().state, "attached");
    EXPECT_EQ(view->devices.front().size_bytes, 8U << 20);
  }
}

TEST_F(LibvirtPlugTest, WhatLibvirtKnowsNothingOfIsTakenOutOfQemu) {
  for (const bool attach : {true, false}) {
    leave_orphan();
    fake.done.clear();
    if (attach) {
      ASSERT_TRUE(put());
      EXPECT_THAT(fake.done,
                  testing::ElementsAre("settle", "device_del " + alias_of(id),
                                       "blockdev-del libvirt-1-format",
                                       "blockdev-del libvirt-1-storage", "attach live saved"));
      fake.live.disks.clear();
      fake.saved.disks.clear();
    } else {
      const auto gone = take_away();
      ASSERT_TRUE(gone) << gone.error().message;
      EXPECT_EQ(gone->waiting_for, "");
    }
    EXPECT_THAT(fake.qemu_devices, testing::ElementsAre("scsi0"));
    ASSERT_EQ(fake.qemu_nodes.size(), 1U) << "others' nodes stay";
    EXPECT_TRUE(fake.qemu_nodes.contains("libvirt-2-storage"));
  }
}

TEST_F(LibvirtPlugTest, WhatIsStillOpenIsNotCalledGone) {
  leave_orphan();
  fake.qemu_devices.clear();
  fake.used_by["libvirt-1-format"] = "libvirt-2-storage";
  auto gone = take_away();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::timeout);
  EXPECT_THAT(gone.error().message, testing::HasSubstr("libvirt-1-format"));
  leave_orphan();
  fake.guest_keeps = true;
  options.removal = Milliseconds(60);
  gone = take_away();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::timeout);
  EXPECT_THAT(gone.error().message, testing::HasSubstr("has not let go"));
}

TEST_F(LibvirtPlugTest, StorageInWholeExtentsMayShowMore) {
  show(true, true);
  EXPECT_TRUE(resize(fake.domain(), options, id, 8 << 20));
  EXPECT_TRUE(resize(fake.domain(), options, id, 7 << 20));
  EXPECT_TRUE(fake.done.empty()) << "nothing had to be asked for";
}

TEST_F(LibvirtPlugTest, ARefusalOfWhatRunsStays) {
  show(true, true);
  fake.on_detach = [this] { fake.refuse(VIR_ERR_OPERATION_FAILED, "no"); };
  EXPECT_EQ(take_away().error().code, ErrorCode::conflict);
  EXPECT_EQ(fake.saved.disks.size(), 1U);
}

}  // namespace
}  // namespace vbs::vmm_delegate::libvirt
