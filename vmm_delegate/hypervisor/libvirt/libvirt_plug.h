#pragma once

#include "common/wire/device.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt.h"

/// Putting disks into a domain and taking them out again, in what runs and in what it is started
/// from. Each looks before it acts.
namespace vbs::vmm_delegate::libvirt {

/// Both definitions of a domain.
struct Definitions {
  Power power = Power::off;
  bool persistent = false;
  Machine live;   ///< empty where the domain is off
  Machine saved;  ///< empty where it is not persistent

  static Result<Definitions> read(const Domain& domain);
  std::vector<const Machine*> both() const { return {&live, &saved}; }
};

/// conflict where the domain is off.
Result<wire::DeviceStatus> plug(const Domain& domain, const LibvirtOptions& options,
                                const Uuid& attachment, const wire::DeviceSpec& spec,
                                const std::string& host_path);
Result<Detachment> unplug(const Domain& domain, const LibvirtOptions& options,
                          const std::string& vm, const Uuid& attachment);

/// Success where the domain is off.
Result<void> resize(const Domain& domain, const LibvirtOptions& options, const Uuid& attachment,
                    std::uint64_t size_bytes);

/// A disk of the domain that runs, as VBS shows it.
wire::DeviceStatus status_of(const Domain& domain, const std::string& vm, const Uuid& attachment,
                             const Disk& disk);

}  // namespace vbs::vmm_delegate::libvirt
