#pragma once

#include "vmm_delegate/hypervisor/libvirt/libvirt_look.h"

/// Putting disks into a domain and taking them out again, in what runs and in what it is started
/// from. Each looks before it acts.
namespace vbs::vmm_delegate::libvirt {

/// conflict where the domain is off.
Result<wire::DeviceStatus> plug(const Domain& domain, const LibvirtOptions& options,
                                const Uuid& attachment, const wire::DeviceSpec& spec,
                                const std::string& host_path);
Result<Detachment> unplug(const Domain& domain, const LibvirtOptions& options,
                          const std::string& vm, const Uuid& attachment);

/// Success where the domain is off.
Result<void> resize(const Domain& domain, const LibvirtOptions& options, const Uuid& attachment,
                    std::uint64_t size_bytes);

}  // namespace vbs::vmm_delegate::libvirt
