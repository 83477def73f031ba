#include "vmm_delegate/hypervisor/storage_probe.h"

#include <gtest/gtest.h>

namespace vbs::vmm_delegate {
namespace {

TEST(StorageProbe, ReadsPortalAndTargetFromADevicesPath) {
  const auto place = storage_place(
      "/dev/disk/by-path/"
      "ip-192.0.2.1:3260-iscsi-iqn.2026-01.vbs:0199f000-0000-7000-8000-000000000001-lun-1");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->portal, "192.0.2.1:3260");
  EXPECT_EQ(place->target, "iqn.2026-01.vbs:0199f000-0000-7000-8000-000000000001");
  // As udev names it (systemd 252, udev-builtin-path_id.c).
  const auto ipv6 =
      storage_place("/dev/disk/by-path/ip-2001:db8::1:3260-iscsi-iqn.x:a-lun-b-lun-2");
  ASSERT_TRUE(ipv6);
  EXPECT_EQ(ipv6->portal, "[2001:db8::1]:3260");
  EXPECT_EQ(ipv6->target, "iqn.x:a-lun-b");
}

TEST(StorageProbe, SaysNothingOfOtherPaths) {
  for (const char* path :
       {"", "/dev/sdb", "/dev/disk/by-path/", "/dev/disk/by-path/ip--iscsi-iqn.x-lun-1",
        "/dev/disk/by-path/ip-192.0.2.1:3260-iscsi--lun-1",
        "/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.x",
        "/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.x-lun-1-part1",
        "/dev/disk/by-path/ip-192.0.2.1-iscsi-iqn.x-lun-1",
        "/dev/disk/by-path/pci-0000:00:1f.2-ata-1", "ip-192.0.2.1:3260-iscsi-iqn.x-lun-1"}) {
    EXPECT_FALSE(storage_place(path)) << path;
  }
}

TEST(StorageProbe, ADeadStorageKeepsTheDeviceInPlace) {
  std::string asked;
  const StorageProbe probe = [&](const std::string& portal, const std::string& target) {
    asked = portal + " " + target;
    return Result<void>(fail(ErrorCode::node_unavailable, "no answer"));
  };
  const auto alive = check_storage(probe, {"192.0.2.1:3260", "iqn.x"});
  ASSERT_FALSE(alive);
  EXPECT_EQ(alive.error().code, ErrorCode::node_unavailable);
  EXPECT_EQ(asked, "192.0.2.1:3260 iqn.x");
  asked.clear();
  EXPECT_TRUE(check_storage(probe, {}));
  EXPECT_TRUE(check_storage({}, {"192.0.2.1:3260", "iqn.x"}));
  EXPECT_EQ(asked, "");
}

}  // namespace
}  // namespace vbs::vmm_delegate
