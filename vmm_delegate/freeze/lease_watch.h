#pragma once

#include "vmm_delegate/freeze/freeze_store.h"
#include "vmm_delegate/hypervisor/hypervisor.h"

namespace vbs::vmm_delegate {

/// What a lease helper does: waits until the freeze is done or its lease runs out, then ends it,
/// and tries until that has worked. Returns when nothing is left to do. Blocks.
void watch_lease(FreezeStore& store, Hypervisor& hypervisor, const FreezeRecord& record,
                 Clock& clock);

}  // namespace vbs::vmm_delegate
