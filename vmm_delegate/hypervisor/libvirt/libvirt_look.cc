#include "vmm_delegate/hypervisor/libvirt/libvirt_look.h"

namespace vbs::vmm_delegate::libvirt {
namespace {

std::string_view state_of(Power power) {
  switch (power) {
    case Power::off:
      return "off";
    case Power::running:
      return "running";
    case Power::paused:
      return "paused";
    case Power::unknown:
      break;
  }
  return "unknown";
}

Result<Machine> read_machine(const Domain& domain, Definition definition) {
  const auto xml = domain.xml(definition);
  if (!xml) return fail(xml.error());
  return parse_machine(*xml);
}

}  // namespace

Result<void> settle(const Domain& domain, const LibvirtOptions& options) {
  if (options.bus == DiskBus::xen) return {};
  const auto power = domain.power();
  if (!power) return fail(power.error());
  if (*power == Power::off) return {};
  auto settled = domain.writes();
  if (settled) return {};
  // It may have gone off meanwhile; what that means for the device is for the next look to tell.
  if (settled.error().code == ErrorCode::conflict) settled.error().code = ErrorCode::timeout;
  return fail(settled.error());
}

Result<Definitions> Definitions::read(const Domain& domain) {
  Definitions now;
  const auto power = domain.power();
  if (!power) return fail(power.error());
  const auto persistent = domain.is_persistent();
  if (!persistent) return fail(persistent.error());
  now.power = *power;
  now.persistent = *persistent;
  if (now.power != Power::off) {
    auto live = read_machine(domain, Definition::live);
    if (!live) return fail(live.error());
    now.live = *std::move(live);
  }
  if (now.persistent) {
    auto saved = read_machine(domain, Definition::saved);
    if (!saved) return fail(saved.error());
    now.saved = *std::move(saved);
  }
  return now;
}

wire::DeviceStatus status_of(const Domain& domain, const std::string& vm, const Uuid& attachment,
                             const Disk& disk) {
  wire::DeviceStatus status;
  status.attachment = attachment;
  status.vm = vm;
  status.serial = disk.serial;
  status.state = "attached";
  status.read_only = disk.read_only;
  status.size_bytes = domain.size(disk.target);
  // Xen, of which libvirt does not tell the size, sees to it by itself.
  status.grows = !disk.read_only || status.size_bytes == 0;
  return status;
}

Result<VmView> look(const Domain& domain, const std::string& vm) {
  const auto now = Definitions::read(domain);
  if (!now) return fail(now.error());
  VmView view{{vm, std::string(state_of(now->power)), now->live.agent, domain.uuid()}, {}};
  for (const Disk& disk : now->live.disks) {
    const auto attachment = disk.attachment();
    if (attachment) view.devices.push_back(status_of(domain, vm, *attachment, disk));
  }
  for (const Disk& disk : now->saved.disks) {
    const auto attachment = disk.attachment();
    if (!attachment || now->live.find(*attachment) != nullptr) continue;
    view.devices.push_back({*attachment, vm, disk.serial, "detaching", disk.read_only, {}, {}});
  }
  return view;
}

}  // namespace vbs::vmm_delegate::libvirt
