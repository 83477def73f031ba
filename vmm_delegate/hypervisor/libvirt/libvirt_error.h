#pragma once

#include "vmm_delegate/hypervisor/libvirt/libvirt_library.h"

namespace vbs::vmm_delegate::libvirt {

/// The error of this thread's last call; `what` was asked, "list the domains".
Error last_error(const Library& library, const char* what);
/// The same from libvirt's own form, which may be null.
Error to_error(const virError* error, const char* what);

}  // namespace vbs::vmm_delegate::libvirt
