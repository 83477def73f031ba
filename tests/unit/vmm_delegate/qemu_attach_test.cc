#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/vmm_delegate/qemu_fixture.h"
#include "vmm_delegate/hypervisor/qemu/qemu_names.h"

namespace vbs::vmm_delegate {
namespace {

using test::test_id;
using QemuAttachTest = QemuFixture;

TEST_F(QemuAttachTest, ShowsADiskAndTakesItAway) {
  start("vm1");
  const auto device = spec(1);
  auto qemu = hypervisor();
  const auto status = qemu.attach(id, device, "");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->attachment, id);
  EXPECT_EQ(status->serial, device.session.volume.str());
  EXPECT_EQ(status->state, "attached");
  EXPECT_FALSE(status->read_only);
  const auto held = look("vm1")->at(id);
  EXPECT_TRUE(held.complete());
  EXPECT_FALSE(held.secret) << "it is needed for the login only";
  EXPECT_EQ(held.storage.portal, tgtd->portal());
  EXPECT_EQ(held.storage.target, device.session.iqn);
  ASSERT_EQ(qemu.look("vm1")->devices.size(), 1U);
  EXPECT_EQ(qemu.look("vm1")->devices.front().serial, status->serial);

  const auto detached = qemu.detach("vm1", id);
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_EQ(detached->waiting_for, "");
  EXPECT_TRUE(look("vm1")->empty());
  EXPECT_TRUE(qemu.detach("vm1", id)) << "again is harmless";
}

TEST_F(QemuAttachTest, AgainIsHarmless) {
  start("vm1");
  const auto device = spec(1);
  auto qemu = hypervisor();
  ASSERT_TRUE(qemu.attach(id, device, ""));
  const auto again = qemu.attach(id, device, "");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->serial, device.session.volume.str());
  EXPECT_EQ(look("vm1")->size(), 1U);
  auto other = device;
  other.session.volume = test_id(77);
  EXPECT_EQ(qemu.attach(id, other, "").error().code, ErrorCode::operation_in_progress);
  EXPECT_TRUE(look("vm1")->at(id).complete()) << "the right one was left alone";
}

TEST_F(QemuAttachTest, ShowsWhatTheDiskHasGrownTo) {
  start("vm1");
  const auto device = spec(1);
  auto qemu = hypervisor();
  EXPECT_EQ(qemu.resize("vm1", id, 8 << 20).error().code, ErrorCode::not_found);
  const auto attached = qemu.attach(id, device, "");
  ASSERT_TRUE(attached);
  EXPECT_EQ(attached->size_bytes, 8U << 20);
  EXPECT_TRUE(qemu.resize("vm1", id, 8 << 20)) << "it shows that already";
  EXPECT_TRUE(qemu.resize("vm1", id, 7 << 20)) << "storage in whole extents has more";
  const auto early = qemu.resize("vm1", id, 24 << 20);
  ASSERT_FALSE(early) << "its target has not grown";
  EXPECT_EQ(early.error().code, ErrorCode::node_unavailable) << early.error().message;
  EXPECT_EQ(qemu.look("vm1")->devices.front().size_bytes, 8U << 20);
  ASSERT_TRUE(tgtd->grow(1, device.session.volume, 24 << 20));
  for (int again = 0; again < 2; ++again) {
    const auto resized = qemu.resize("vm1", id, 24 << 20);
    ASSERT_TRUE(resized) << resized.error().message;
    EXPECT_EQ(qemu.look("vm1")->devices.front().size_bytes, 24U << 20);
  }
  EXPECT_TRUE(look("vm1")->at(id).complete());
  EXPECT_EQ(qemu.resize("vm2", id, 24 << 20).error().code, ErrorCode::not_found);
  vms.at("vm1").kill();
  EXPECT_TRUE(qemu.resize("vm1", id, 24 << 20)) << "it is off";
}

TEST_F(QemuAttachTest, ShowsAReadOnlyExport) {
  start("vm1");
  auto device = spec(1);
  ASSERT_TRUE(tgtd->make_read_only(1));
  device.session.read_only = true;
  const auto status = hypervisor().attach(id, device, "");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->read_only);
  EXPECT_TRUE(hypervisor().look("vm1")->devices.front().read_only);
}

TEST_F(QemuAttachTest, ShowsMoreDisksThanAMachineHasSlots) {
  start("vm1");
  constexpr unsigned kDisks = 30;
  auto qemu = hypervisor();
  for (unsigned n = 1; n <= kDisks; ++n) {
    const auto status = qemu.attach(test_id(n), spec(n), "");
    ASSERT_TRUE(status) << n << ": " << status.error().message;
  }
  ASSERT_EQ(qemu.look("vm1")->devices.size(), kDisks);
  for (unsigned n = 1; n <= kDisks; ++n) ASSERT_TRUE(qemu.detach("vm1", test_id(n)));
  EXPECT_TRUE(look("vm1")->empty());
}

TEST_F(QemuAttachTest, BringsItsOwnController) {
  start("vm1", {});
  ASSERT_TRUE(hypervisor().attach(id, spec(1), ""));
  EXPECT_TRUE(look("vm1")->at(id).complete());
}

TEST_F(QemuAttachTest, RefusesAControllerOfAnotherKind) {
  start("vm1", {"-device", "virtio-rng-pci,id=scsi0"});
  const auto status = hypervisor().attach(id, spec(1), "");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::conflict);
  EXPECT_TRUE(look("vm1")->empty());
}

TEST_F(QemuAttachTest, AFailureLeavesNothing) {
  start("vm1");
  auto qemu = hypervisor();
  const auto good = spec(1);
  auto bad = good;
  bad.session.portal = test::free_portal();
  EXPECT_EQ(qemu.attach(id, bad, "").error().code, ErrorCode::node_unavailable);
  EXPECT_TRUE(look("vm1")->empty());
  bad = good;
  bad.session.chap_secret = Secret("not-the-secret");
  const auto refused = qemu.attach(id, bad, "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find("not-the-secret"), std::string::npos);
  EXPECT_TRUE(look("vm1")->empty());
  bad = good;
  bad.session.lun = 7;
  EXPECT_FALSE(qemu.attach(id, bad, ""));
  EXPECT_TRUE(look("vm1")->empty());
  EXPECT_TRUE(qemu.attach(id, good, "")) << "and it can be tried again";
}

TEST_F(QemuAttachTest, ASilentPortalHoldsTheVmUpForAMomentOnly) {
  start("vm1");
  const test::SilentPortal silent;
  auto device = spec(1);
  device.session.portal = silent.portal();
  EXPECT_FALSE(hypervisor().attach(id, device, ""));
  EXPECT_EQ(hypervisor().vm("vm1")->state, "running");
  EXPECT_TRUE(look("vm1")->empty());
}

TEST_F(QemuAttachTest, FinishesWhatADeadAttachHasLeft) {
  start("vm1");
  const auto device = spec(1);
  {
    auto qmp = connect("vm1");
    ASSERT_TRUE(qmp);
    ASSERT_TRUE(qemu::plug(*qmp, id, device.session, "", options.plug));
    ASSERT_TRUE(qemu::unplug(*qmp, id));
    ASSERT_TRUE(qmp->execute("object-add", [&](json::Writer& out) {
      out.member("qom-type", "secret");
      out.member("id", qemu::secret_id(id));
      out.member("data", "an-older-secret");
    }));
  }
  auto qemu = hypervisor();
  ASSERT_EQ(qemu.look("vm1")->devices.size(), 1U);
  EXPECT_EQ(qemu.look("vm1")->devices.front().state, "detaching");
  ASSERT_TRUE(qemu.attach(id, device, ""));
  EXPECT_TRUE(look("vm1")->at(id).complete());
  EXPECT_FALSE(look("vm1")->at(id).secret);
}

TEST_F(QemuAttachTest, ClearsWhatADeadAttachHasLeft) {
  start("vm1");
  const auto device = spec(1);
  {
    auto qmp = connect("vm1");
    ASSERT_TRUE(qmp);
    ASSERT_TRUE(qemu::plug(*qmp, id, device.session, "", options.plug));
    ASSERT_TRUE(qemu::unplug(*qmp, id));
  }
  EXPECT_EQ(look("vm1")->size(), 1U);
  ASSERT_TRUE(hypervisor().detach("vm1", id));
  EXPECT_TRUE(look("vm1")->empty());
}

TEST_F(QemuAttachTest, AVmThatDiesMeanwhileIsSaidSo) {
  start("vm1");
  const test::SilentPortal silent;  // keeps QEMU busy with the login
  options.plug.iscsi_timeout_s = 30;
  auto device = spec(1);
  device.session.portal = silent.portal();
  auto qemu = hypervisor();
  Result<wire::DeviceStatus> status;
  std::thread attach([&] { status = qemu.attach(id, device, ""); });
  EXPECT_TRUE(test::eventually([&] {
    const std::string port = silent.portal().substr(silent.portal().find(':') + 1);
    char wanted[16];
    std::snprintf(wanted, sizeof(wanted), ":%04X ", static_cast<unsigned>(std::stoi(port)));
    // Its connection to the portal, in the kernel's table: a remote address with this port.
    return test::slurp("/proc/net/tcp").find(std::string("0100007F") + wanted + "01") !=
           std::string::npos;
  }));
  vms["vm1"].kill();
  attach.join();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::node_unavailable);
  EXPECT_NE(status.error().message.find("went away"), std::string::npos) << status.error().message;
  EXPECT_EQ(qemu.attach(id, device, "").error().code, ErrorCode::conflict) << "off now";
}

TEST_F(QemuAttachTest, RequestsForOneVmTakeTurns) {
  start("vm1");
  auto qemu = hypervisor();
  constexpr unsigned kThreads = 6;
  std::vector<wire::DeviceSpec> specs;
  for (unsigned n = 1; n <= kThreads; ++n) specs.push_back(spec(n));
  std::vector<std::thread> threads;
  for (unsigned n = 1; n <= kThreads; ++n) {
    threads.emplace_back([&, n] {
      EXPECT_TRUE(qemu.attach(test_id(n), specs[n - 1], ""));
      EXPECT_TRUE(qemu.detach("vm1", test_id(n)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(look("vm1")->empty());
}

}  // namespace
}  // namespace vbs::vmm_delegate
