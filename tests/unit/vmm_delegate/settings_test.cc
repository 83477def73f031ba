#include "vmm_delegate/settings.h"

#include <gtest/gtest.h>

namespace vbs::vmm_delegate {
namespace {

const std::string kMinimum = R"(name = "hv1"
token_file = "/etc/token"
state_dir = "/var/state"
)";
const std::string kHostDisks = "[initiator]\ndriver = \"open_iscsi\"\n";
const std::string kFolder = "[hypervisor]\nfolder = \"/run/vms\"\n";

std::string field_of(const std::string& text) {
  const auto settings = Settings::parse(text);
  return settings ? "" : settings.error().message;
}

TEST(Settings, FillsInWhatIsNotSaid) {
  const auto settings = Settings::parse(kMinimum + kFolder);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->name, "hv1");
  EXPECT_EQ(settings->link.address, "127.0.0.1");
  EXPECT_EQ(settings->link.port, 7720);
  EXPECT_EQ(settings->initiator.name, "iqn.2026-01.vbs:node-hv1");
  EXPECT_EQ(settings->hypervisor.driver, "qemu");
  EXPECT_EQ(settings->hypervisor.qemu.folder, "/run/vms");
  EXPECT_EQ(settings->hypervisor.qemu.iscsi_timeout, Milliseconds(5'000));
  EXPECT_EQ(settings->helper_log(), "/var/state/vbs-thaw.log");
}

TEST(Settings, TakesWhatIsSaid) {
  const auto settings = Settings::parse(kMinimum + R"(listen = "[::1]:9000"
log_file = "/var/log/vmmd"
log_level = "debug"
[hypervisor]
folder = "/run/vms"
driver = "qemu"
iscsi_timeout = "2s"
[initiator]
driver = "vm"
name = "iqn.2026-01.vbs:other"
)");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->link.address, "::1");
  EXPECT_EQ(settings->link.port, 9000);
  EXPECT_EQ(settings->initiator.name, "iqn.2026-01.vbs:other");
  EXPECT_EQ(settings->log.level, log::Level::debug);
  EXPECT_EQ(settings->hypervisor.qemu.iscsi_timeout, Milliseconds(2'000));
  EXPECT_EQ(settings->helper_log(), "/var/log/vmmd");
}

TEST(Settings, ReadsWhereLibvirtIs) {
  const std::string driver = kMinimum + kHostDisks + "[hypervisor]\ndriver = \"libvirt\"\n";
  auto settings = Settings::parse(driver);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->hypervisor.libvirt.uri, "qemu:///system");
  EXPECT_EQ(settings->hypervisor.libvirt.bus, libvirt::DiskBus::scsi);
  settings = Settings::parse(driver + "uri = \"xen:///system\"\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->hypervisor.libvirt.bus, libvirt::DiskBus::xen);
  settings = Settings::parse(driver + "uri = \"qemu+unix:///session\"\nbus = \"virtio\"\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->hypervisor.libvirt.bus, libvirt::DiskBus::virtio);
  for (const char* bad : {"uri = \"qemu+ssh://host/system\"", "uri = \"test:///default\"",
                          "uri = \"\"", "uri = \"qemu+tcp:///system\""}) {
    EXPECT_NE(field_of(driver + bad + "\n").find("uri"), std::string::npos) << bad;
  }
  for (const char* bad :
       {"bus = \"ide\"", "bus = \"xen\"", "uri = \"xen:///system\"\nbus = \"scsi\""}) {
    EXPECT_NE(field_of(driver + bad + "\n").find("bus"), std::string::npos) << bad;
  }
}

TEST(Settings, ChecksTheKeysOfDriversThatAreNotChosen) {
  const std::string libvirt = kMinimum + kHostDisks + "[hypervisor]\ndriver = \"libvirt\"\n";
  EXPECT_EQ(field_of(libvirt + "folder = \"/x\"\ntoolstack = \"xm\"\n"), "");
  EXPECT_NE(field_of(libvirt + "folder = \"x\"\n").find("folder"), std::string::npos);
  EXPECT_NE(field_of(libvirt + "toolstack = \"xe\"\n").find("toolstack"), std::string::npos);
  const std::string qemu = kMinimum + kFolder;
  EXPECT_EQ(field_of(qemu + "uri = \"qemu:///system\"\n"), "");
  EXPECT_NE(field_of(qemu + "uri = \"test:///default\"\n").find("uri"), std::string::npos);
}

TEST(Settings, VmsThatGetDisksOfTheHostNeedAHostThatHasThem) {
  for (const std::string driver : {"libvirt", "xen"}) {
    const std::string text = kMinimum + "[hypervisor]\ndriver = \"" + driver + "\"\n";
    EXPECT_NE(field_of(text).find("initiator.driver must be \"open_iscsi\""), std::string::npos)
        << field_of(text);
    EXPECT_NE(field_of(text + "[initiator]\ndriver = \"vm\"\n").find("initiator.driver"),
              std::string::npos);
    EXPECT_EQ(field_of(text + kHostDisks), "");
  }
}

TEST(Settings, ListensOnLoopbackOnly) {
  for (const char* address : {"0.0.0.0:7720", "192.0.2.1:7720", "[::]:7720"}) {
    EXPECT_NE(field_of(kMinimum + "listen = \"" + address + "\"\n" + kFolder).find("loopback"),
              std::string::npos)
        << address;
  }
  for (const char* address : {"127.0.0.1", "hello", ":", "127.0.0.1:99999"}) {
    EXPECT_NE(field_of(kMinimum + "listen = \"" + address + "\"\n" + kFolder).find("listen"),
              std::string::npos)
        << address;
  }
}

TEST(Settings, SaysWhatIsWrong) {
  struct Case {
    std::string text;
    std::string said;
  };
  const Case cases[] = {
      {kMinimum, "folder"},
      {kFolder, "name"},
      {kMinimum + "colour = 1\n" + kFolder, "colour"},
      {kMinimum + "log_level = \"loud\"\n" + kFolder, "log_level"},
      {kMinimum + "initiator = \"iqn.2026-01.vbs:x\"\n" + kFolder, "initiator"},
      {kMinimum + kFolder + "[initiator]\nname = \"IQN\"\n", "initiator.name"},
      {kMinimum + kFolder + "[initiator]\ndriver = \"fc\"\n", "initiator.driver"},
      {kMinimum + "[hypervisor]\nfolder = \"vms\"\n", "absolute"},
      {kMinimum + kFolder + "driver = \"vmware\"\n", "must be \"qemu\""},
      {kMinimum + kFolder + "iscsi_timeout = \"0s\"\n", "iscsi_timeout"},
      {kMinimum + kFolder + "iscsi_timeout = \"1500ms\"\n", "iscsi_timeout"},
      {"name = \"Big_Name\"\ntoken_file = \"/t\"\nstate_dir = \"/s\"\n" + kFolder, "initiator"},
  };
  for (const Case& one : cases) {
    EXPECT_NE(field_of(one.text).find(one.said), std::string::npos)
        << one.text << "\nsaid: " << field_of(one.text);
  }
}

TEST(Settings, TheExampleIsRight) {
  const auto settings = Settings::load(VBS_SOURCE_DIR "/deploy/config/vbs-vmmd.toml");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->link.address, "127.0.0.1");
}

}  // namespace
}  // namespace vbs::vmm_delegate
