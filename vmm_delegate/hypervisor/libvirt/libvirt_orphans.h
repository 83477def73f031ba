#pragma once

#include "vmm_delegate/hypervisor/libvirt/libvirt.h"

namespace vbs::vmm_delegate::libvirt {

/// Takes out of a QEMU what it holds of an attachment and libvirt knows nothing of: a libvirtd that
/// is killed while it attaches or detaches a disk leaves the device or its block nodes behind. To
/// be called where the domain's XML does not have the disk; the domain runs, or is paused.
///
/// Errors: timeout where something is left, or the domain went off meanwhile; else those of Domain.
Result<void> remove_orphans(const Domain& domain, const LibvirtOptions& options,
                            const Uuid& attachment);

}  // namespace vbs::vmm_delegate::libvirt
