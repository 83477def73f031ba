#pragma once

#include "vmm_delegate/freeze/freeze_store.h"
#include "vmm_delegate/hypervisor/hypervisor.h"

namespace vbs::vmm_delegate {

/// Undoes in the VM what the record says was done to it. Again is harmless.
Result<void> release(Hypervisor& hypervisor, const FreezeRecord& record);

/// Ends a freeze in the only way it ever ends: decides how, then releases the VM, then notes that
/// it is done. A VM that should have been paused until now and is not makes it `expired`, whatever
/// is wanted: somebody let it run, and it may have written. It is not noted as done as long as a
/// delegate that stalled may do something to the VM. Used alike by the delegate and by the lease
/// helper; again is harmless. An error means that the VM may still be held still, and that this
/// must be tried again.
Result<Ending> end_freeze(FreezeStore& store, Hypervisor& hypervisor, const Uuid& id,
                          Ending wanted);

}  // namespace vbs::vmm_delegate
