// LibvirtHypervisor: showing disks to a VM and taking them away, and holding it still.

#include "vmm_delegate/hypervisor/libvirt/libvirt.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt_plug.h"

namespace vbs::vmm_delegate {

using libvirt::Domain;
using libvirt::Power;

Result<wire::DeviceStatus> LibvirtHypervisor::attach(const Uuid& attachment,
                                                     const wire::DeviceSpec& spec,
                                                     const std::string& host_path) {
  wire::DeviceSpec shown = spec;
  shown.session.chap_secret = Secret();  // it need not outlive this call
  return in_vm<wire::DeviceStatus>(
      kChange, spec.vm,
      [attachment, shown, host_path](const LibvirtOptions& options, Domain& domain) {
        return libvirt::plug(domain, options, attachment, shown, host_path);
      });
}

Result<Detachment> LibvirtHypervisor::detach(const std::string& vm, const Uuid& attachment) {
  auto detached = in_vm<Detachment>(
      kChange, vm, [vm, attachment](const LibvirtOptions& options, Domain& domain) {
        return libvirt::unplug(domain, options, vm, attachment);
      });
  if (!detached && detached.error().code == ErrorCode::not_found) return Detachment{};
  return detached;
}

Result<void> LibvirtHypervisor::resize(const std::string& vm, const Uuid& attachment,
                                       std::uint64_t size_bytes) {
  return in_vm<void>(kChange, vm,
                     [attachment, size_bytes](const LibvirtOptions& options, Domain& domain) {
                       return libvirt::resize(domain, options, attachment, size_bytes);
                     });
}

Result<bool> LibvirtHypervisor::pause(const std::string& vm) {
  return in_vm<bool>(kChange, vm, [](const LibvirtOptions&, Domain& domain) -> Result<bool> {
    const auto power = domain.power();
    if (!power) return fail(power.error());
    if (*power == Power::off) return fail(ErrorCode::conflict, "it is off");
    if (*power == Power::paused) return false;
    if (auto paused = domain.suspend(); !paused) return fail(paused.error());
    return true;
  });
}

Result<void> LibvirtHypervisor::resume(const std::string& vm) {
  auto resumed =
      in_vm<void>(kChange, vm, [](const LibvirtOptions&, Domain& domain) -> Result<void> {
        const auto power = domain.power();
        if (!power) return fail(power.error());
        return *power == Power::paused ? domain.resume() : Result<void>();
      });
  if (!resumed && resumed.error().code == ErrorCode::not_found) return {};
  return resumed;
}

Result<std::int64_t> LibvirtHypervisor::writes(const std::string& vm) {
  return in_vm<std::int64_t>(kChange, vm,
                             [](const LibvirtOptions&, Domain& domain) -> Result<std::int64_t> {
                               const auto power = domain.power();
                               if (!power) return fail(power.error());
                               if (*power == Power::off)
                                 return fail(ErrorCode::conflict, "it is off");
                               return domain.writes();
                             });
}

}  // namespace vbs::vmm_delegate
