#pragma once

#include <string>

#include "common/error.h"
#include "common/wire/device.h"
#include "vmm_delegate/keyed_lock.h"

/// What all drivers say of one VM in the same words.
namespace vbs::vmm_delegate {

/// overloaded when another request still holds the VM after `limit`.
Result<KeyedLock::Guard> lock_vm(KeyedLock& locks, const std::string& vm, Milliseconds limit);
/// A conflict: block_resize wants to write, so that no reader of QEMU's is shown another size.
Error reader_does_not_grow();
/// What had the name when the volume was given may be gone, and its name with another by now: then
/// a conflict. `uuid`: of what has the name, asked on the connection that shows the disk.
Result<void> check_same_vm(const std::optional<Uuid>& uuid, const wire::DeviceSpec& spec);
/// The error with "VM 'x': " before it.
Error in_vm(const std::string& vm, Error error);

}  // namespace vbs::vmm_delegate
