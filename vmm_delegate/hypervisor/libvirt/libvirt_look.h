#pragma once

#include "common/wire/device.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/libvirt/libvirt.h"

/// What a domain holds of attachments, in what runs and in what it is started from.
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

/// Waits until what libvirt was asked before has been done, be it by a process that has ended
/// since: only then does the domain's XML tell all of it. The XML of a domain of Xen waits by
/// itself. timeout also where the domain goes off meanwhile.
Result<void> settle(const Domain& domain, const LibvirtOptions& options);

/// What the domain shows, and as "detaching" what only its definition has still: it would get that
/// when it is started again.
Result<VmView> look(const Domain& domain, const std::string& vm);

/// A disk of the domain that runs, as VBS shows it.
wire::DeviceStatus status_of(const Domain& domain, const std::string& vm, const Uuid& attachment,
                             const Disk& disk);

}  // namespace vbs::vmm_delegate::libvirt
