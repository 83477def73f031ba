#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_xml.h"

namespace {

using namespace vbs;
using namespace vbs::vmm_delegate::libvirt;
using fuzz::require;

bool same(const Disk& one, const Disk& other) {
  return one.alias == other.alias && one.source == other.source && one.target == other.target &&
         one.read_only == other.read_only && one.place == other.place;
}

/// A disk is written as it is read, but for white space, of which XML keeps not all.
void check_disk(const Disk& disk) {
  const auto has_space = [](const std::string& text) {
    return text.find_first_of(" \t\r\n") != std::string::npos;
  };
  if (has_space(disk.alias) || has_space(disk.source) || has_space(disk.target)) return;
  const std::string xml =
      "<domain><devices>" + disk_xml(disk, DiskBus::scsi) + "</devices></domain>";
  const auto machine = parse_machine(xml);
  require(machine && machine->disks.size() == 1, "a disk is written as one");
  require(same(machine->disks.front(), disk), "a disk is written as it is read");
}

}  // namespace

/// libvirt's description of a domain.
void vbs::fuzz::one_input(std::string_view input) {
  const auto machine = parse_machine(input);
  if (!machine) return;
  const Uuid attachment = *Uuid::parse("01890000-0000-7000-8000-000000000001");
  for (const Disk& disk : machine->disks) {
    check_disk(disk);
    const auto its = disk.attachment();
    require(!its || machine->find(*its) != nullptr, "an attachment's disk is found");
    require(free_place(attachment, 0, {&*machine}) != disk.place, "a free place is free");
  }
  const std::string target = free_target("/dev/sdb", DiskBus::scsi, {&*machine});
  require(!machine->targets().contains(target), "a free name is free");
}
