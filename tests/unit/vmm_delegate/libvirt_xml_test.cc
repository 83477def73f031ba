#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"

#include <gtest/gtest.h>

#include "tests/unit/vmm_delegate/support.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

using test::test_id;

Disk a_disk() {
  Disk disk;
  disk.alias = alias_of(test_id(1));
  disk.source = "/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.2026-01.vbs:x-lun-1";
  disk.target = "sdb";
  disk.serial = test_id(2).str();
  disk.place = ScsiPlace{1, 17, 33};
  return disk;
}

Machine machine_with(const std::vector<std::string>& targets) {
  Machine machine;
  for (const std::string& target : targets) {
    Disk disk;
    disk.target = target;
    machine.disks.push_back(disk);
  }
  return machine;
}

TEST(LibvirtXml, WritesADiskForEachBus) {
  EXPECT_EQ(disk_xml(a_disk(), DiskBus::scsi),
            "<disk type=\"block\" device=\"disk\"><driver name=\"qemu\" type=\"raw\" "
            "cache=\"none\" io=\"native\" discard=\"unmap\"/><source "
            "dev=\"/dev/disk/by-path/ip-192.0.2.1:3260-iscsi-iqn.2026-01.vbs:x-lun-1\" "
            "startupPolicy=\"optional\"/><target dev=\"sdb\" bus=\"scsi\"/><serial>" +
                test_id(2).str() + "</serial><alias name=\"ua-vbs-" + test_id(1).str() +
                "\"/><address type=\"drive\" controller=\"1\" bus=\"0\" target=\"17\" "
                "unit=\"33\"/></disk>");
  Disk disk = a_disk();
  disk.place.reset();
  disk.read_only = true;
  const std::string xen = disk_xml(disk, DiskBus::xen);
  EXPECT_NE(xen.find("<driver name=\"phy\"/>"), xen.npos) << xen;
  EXPECT_NE(xen.find("bus=\"xen\"/><readonly/>"), xen.npos) << xen;
  EXPECT_EQ(xen.find("<address"), xen.npos) << xen;
}

TEST(LibvirtXml, ReadsBackWhatItWrites) {
  for (const bool read_only : {false, true}) {
    Disk disk = a_disk();
    disk.read_only = read_only;
    disk.source = "/dev/<&>\"'/\xc3\xa9 x";
    const auto machine =
        parse_machine("<domain><devices>" + disk_xml(disk, DiskBus::scsi) + "</devices></domain>");
    ASSERT_TRUE(machine) << machine.error().message;
    ASSERT_NE(machine->find(test_id(1)), nullptr);
    const Disk& read = *machine->find(test_id(1));
    EXPECT_EQ(read.source, disk.source);
    EXPECT_EQ(read.target, "sdb");
    EXPECT_EQ(read.serial, disk.serial);
    EXPECT_EQ(read.read_only, read_only);
    EXPECT_EQ(read.place, disk.place);
  }
}

TEST(LibvirtXml, NoTextOfADiskCanAddAnElement) {
  Disk disk = a_disk();
  disk.source = "/x'/><target dev='sda'/><!-- ";
  disk.serial = "</serial><readonly/>";
  disk.target = "sdb\" bus=\"usb";
  const auto machine =
      parse_machine("<domain><devices>" + disk_xml(disk, DiskBus::scsi) + "</devices></domain>");
  ASSERT_TRUE(machine);
  ASSERT_EQ(machine->disks.size(), 1U);
  EXPECT_EQ(machine->disks[0].source, disk.source);
  EXPECT_EQ(machine->disks[0].serial, disk.serial);
  EXPECT_EQ(machine->disks[0].target, disk.target);
  EXPECT_FALSE(machine->disks[0].read_only);
}

TEST(LibvirtXml, OnlyAnAliasMakesADiskOneOfVbs) {
  const std::string id = test_id(1).str();
  const std::pair<std::string, bool> cases[] = {
      {"ua-vbs-" + id, true},        {"vbs-" + id, false},     {"ua-vbs-", false},
      {"ua-vbs-" + id + "0", false}, {"ua-" + id, false},      {"UA-VBS-" + id, false},
      {"scsi0-0-0-0", false},        {"ua-vbs-x" + id, false}, {"", false}};
  for (const auto& [alias, ours] : cases) {
    EXPECT_EQ(attachment_of_alias(alias).has_value(), ours) << alias;
  }
}

TEST(LibvirtXml, ReadsControllersAndTheAgentsChannel) {
  const auto machine = parse_machine(R"(<domain type='qemu' id='3'><name>vm1</name><devices>
    <controller type='scsi' index='0' model='lsilogic'/>
    <controller type='scsi' index='2' model='virtio-scsi'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <channel type='unix'><target type='virtio' name='other' state='connected'/></channel>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
    <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>
    <disk type='file' device='disk'><source file='/images/a'/><target dev='vda'/></disk>
    </devices></domain>)");
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->virtio_scsi(), 2U);
  EXPECT_EQ(machine->scsi_controllers.size(), 2U);
  EXPECT_TRUE(machine->agent);
  ASSERT_EQ(machine->disks.size(), 2U);
  EXPECT_EQ(machine->disks[1].source, "/images/a");
  EXPECT_FALSE(machine->disks[1].place);
  EXPECT_EQ(machine->targets(), (std::set<std::string>{"hda", "vda"}));
  const auto silent = parse_machine(
      "<domain><devices><channel><target name='org.qemu.guest_agent.0' state='disconnected'/>"
      "</channel></devices></domain>");
  EXPECT_FALSE(silent->agent);
  EXPECT_FALSE(silent->virtio_scsi());
}

TEST(LibvirtXml, WhatIsNoDomainIsAnError) {
  for (const char* text : {"", "nonsense", "<network/>", "<domain><devices>", "{}"}) {
    const auto machine = parse_machine(text);
    ASSERT_FALSE(machine) << text;
    EXPECT_EQ(machine.error().code, ErrorCode::internal);
  }
  // Entities of a document's own are not looked up.
  const auto machine = parse_machine(
      "<!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><domain><devices>"
      "<disk><source dev='&e;'/></disk></devices></domain>");
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->disks.at(0).source, "&e;");
}

TEST(LibvirtXml, NamesADiskAsAskedOrTheNextThatIsFree) {
  struct Case {
    const char* device;
    DiskBus bus;
    std::vector<std::string> live;
    std::vector<std::string> saved;
    const char* name;
  };
  const Case cases[] = {
      {"/dev/sdb", DiskBus::scsi, {}, {}, "sdb"},
      {"/dev/sdb", DiskBus::virtio, {"vda"}, {}, "vdb"},
      {"/dev/sdb", DiskBus::xen, {"xvda"}, {}, "xvdb"},
      {"/dev/xvdc", DiskBus::scsi, {}, {}, "sdc"},
      {"/dev/sdb", DiskBus::scsi, {"sdb"}, {"sdc"}, "sdd"},
      {"/dev/sdz", DiskBus::scsi, {"sdz"}, {}, "sdaa"},
      {"/dev/sdaz", DiskBus::scsi, {"sdaz"}, {}, "sdba"},
      {"/dev/sdzz", DiskBus::scsi, {}, {"sdzz"}, "sdaaa"},
      {"sdb", DiskBus::scsi, {"vdb"}, {}, "sdb"},
  };
  for (const Case& one : cases) {
    const Machine live = machine_with(one.live);
    const Machine saved = machine_with(one.saved);
    EXPECT_EQ(free_target(one.device, one.bus, {&live, &saved}), one.name) << one.device;
  }
}

TEST(LibvirtXml, ATakenPlaceIsLeftToWhoHasIt) {
  Machine machine;
  const ScsiPlace first = free_place(test_id(1), 0, {&machine});
  Disk disk;
  disk.place = first;
  machine.disks.push_back(disk);
  const ScsiPlace second = free_place(test_id(1), 0, {&machine});
  EXPECT_NE(first, second);
  EXPECT_EQ(free_place(test_id(1), 1, {&machine}).target, first.target) << "another controller";
  EXPECT_NE(free_place(test_id(2), 0, {}), first);
}

TEST(LibvirtXml, KnowsTheBusesByTheirWords) {
  EXPECT_EQ(disk_bus("scsi"), DiskBus::scsi);
  EXPECT_EQ(disk_bus("virtio"), DiskBus::virtio);
  EXPECT_EQ(disk_bus("xen"), DiskBus::xen);
  EXPECT_FALSE(disk_bus("ide"));
  EXPECT_FALSE(disk_bus(""));
}

}  // namespace
}  // namespace vbs::vmm_delegate::libvirt
