#include <gtest/gtest.h>

#include <future>

#include "tests/unit/vmm_delegate/qemu_fixture.h"

namespace vbs::vmm_delegate {
namespace {

using QemuVmTest = QemuFixture;

TEST_F(QemuVmTest, FindsVmsByTheirSockets) {
  start("vm1");
  start("vm2", {"-S"});
  std::ofstream(dir.path("notes.txt")) << "no VM";
  std::ofstream(dir.path("-odd name-.qmp")) << "no VM either";
  auto qemu = hypervisor();
  const auto all = qemu.vms();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).name, "vm1");
  EXPECT_EQ(all->at(0).state, "running");
  EXPECT_FALSE(all->at(0).agent);
  EXPECT_EQ(all->at(1).state, "paused");
  const auto unknown = qemu.vm("vm3");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::not_found);
  EXPECT_NE(unknown.error().message.find("vm3"), std::string::npos);
  EXPECT_NE(unknown.error().message.find(dir.path()), std::string::npos);
}

TEST_F(QemuVmTest, AVmWhoseQemuIsGoneIsOff) {
  start("vm1");
  vms["vm1"].kill();
  auto qemu = hypervisor();
  EXPECT_EQ(qemu.vm("vm1")->state, "off");
  EXPECT_EQ(qemu.attach(id, spec(1), "").error().code, ErrorCode::conflict);
  EXPECT_TRUE(qemu.look("vm1")->devices.empty());
  EXPECT_EQ(qemu.detach("vm1", id)->waiting_for, "");
  EXPECT_EQ(qemu.pause("vm1").error().code, ErrorCode::conflict);
  EXPECT_TRUE(qemu.resume("vm1"));
  EXPECT_TRUE(qemu.thaw_files("vm1"));
  EXPECT_TRUE(qemu.detach("nobody", id));
  EXPECT_EQ(qemu.attach(id, test::device_spec("nobody", id), "").error().code,
            ErrorCode::not_found);
}

TEST_F(QemuVmTest, AVmThatHangsDoesNotStopTheOthers) {
  start("vm1");
  start("vm2");
  options.qmp.greeting = Milliseconds(2'000);
  options.qmp.exchange = Milliseconds(20'000);
  vms["vm1"].signal(SIGSTOP);
  auto qemu = hypervisor();
  auto hanging = std::async(std::launch::async, [&] { return qemu.vm("vm1"); });
  EXPECT_EQ(qemu.vm("vm2")->state, "running");
  EXPECT_EQ(qemu.pause("vm2"), true);
  EXPECT_EQ(hanging.wait_for(std::chrono::seconds(0)), std::future_status::timeout)
      << "vm2 was served while somebody waits for vm1";
  EXPECT_EQ(hanging.get().error().code, ErrorCode::timeout);
  EXPECT_EQ(qemu.detach("vm1", id).error().code, ErrorCode::timeout);
  const auto all = qemu.vms();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->at(0).state, "unknown");
  EXPECT_EQ(all->at(1).state, "paused");
  vms["vm1"].signal(SIGCONT);
  EXPECT_TRUE(test::eventually([&] { return qemu.vm("vm1").has_value(); }));
}

TEST_F(QemuVmTest, AMissingFolderIsSaid) {
  options.folder = dir.path("nowhere");
  auto qemu = hypervisor();
  EXPECT_NE(qemu.check().error().message.find("nowhere"), std::string::npos);
  EXPECT_FALSE(qemu.vms());
}

TEST_F(QemuVmTest, PausesOnceAndResumesOnce) {
  start("vm1");
  auto qemu = hypervisor();
  EXPECT_EQ(qemu.pause("vm1"), true);
  EXPECT_EQ(qemu.vm("vm1")->state, "paused");
  EXPECT_EQ(qemu.pause("vm1"), false) << "it was paused already";
  EXPECT_TRUE(qemu.resume("vm1"));
  EXPECT_EQ(qemu.vm("vm1")->state, "running");
  EXPECT_TRUE(qemu.resume("vm1"));
}

TEST_F(QemuVmTest, CountsWhatAVmWrites) {
  start("vm1");
  auto qemu = hypervisor();
  ASSERT_TRUE(qemu.attach(id, spec(1), ""));
  const auto before = qemu.writes("vm1");
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(qemu.writes("vm1"), *before);
  ASSERT_TRUE(connect("vm1")->execute("human-monitor-command", [&](json::Writer& out) {
    out.member("command-line", "qemu-io -d vbs-" + id.str() + " \"aio_write 0 512\"");
  }));
  EXPECT_TRUE(test::eventually([&] { return *qemu.writes("vm1") == *before + 1; }));
  vms["vm1"].kill();
  EXPECT_EQ(qemu.writes("vm1").error().code, ErrorCode::conflict);
}

TEST_F(QemuVmTest, WithoutAgentNothingIsAskedOfTheGuest) {
  start("vm1", {"-device", "virtio-serial-pci", "-chardev",
                "socket,id=agent,path=" + dir.path("vm1.qga") + ",server=on,wait=off", "-device",
                "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"});
  auto qemu = hypervisor();
  const auto view = qemu.visit("vm1")->guest->look("serial");
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->agent);
  options.agent.sync = Milliseconds(50);
  EXPECT_EQ(hypervisor().freeze_files("vm1").error().code, ErrorCode::timeout);
}

TEST_F(QemuVmTest, APausedVmLetsGoOfADiskThatIsIdle) {
  start("vm1", {"-S", "-device", "virtio-scsi-pci,id=scsi0"});
  auto qemu = hypervisor();
  ASSERT_TRUE(qemu.attach(id, spec(1), ""));
  ASSERT_TRUE(test::eventually([&] {
    const auto detached = qemu.detach("vm1", id);
    return detached && detached->waiting_for.empty();
  }));
  EXPECT_TRUE(look("vm1")->empty());
}

TEST_F(QemuVmTest, ADiskWhoseStorageIsDeadStaysUntilItAnswers) {
  start("vm1");
  auto qemu = hypervisor();
  ASSERT_TRUE(qemu.attach(id, spec(1), ""));
  tgtd->child().signal(SIGSTOP);
  const auto left = qemu.detach("vm1", id);
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, ErrorCode::node_unavailable);
  EXPECT_EQ(qemu.vm("vm1")->state, "running") << "and the VM goes on";
  EXPECT_TRUE(look("vm1")->at(id).complete());
  tgtd->child().signal(SIGCONT);
  const auto detached = qemu.detach("vm1", id);
  ASSERT_TRUE(detached) << detached.error().message;
  EXPECT_TRUE(look("vm1")->empty());
}

}  // namespace
}  // namespace vbs::vmm_delegate
