#include "vmm_delegate/hypervisor/hypervisor.h"

#include <algorithm>

namespace vbs::vmm_delegate {

const wire::DeviceStatus* VmView::find(const Uuid& attachment) const {
  const auto found = std::find_if(
      devices.begin(), devices.end(),
      [&](const wire::DeviceStatus& device) { return device.attachment == attachment; });
  return found == devices.end() ? nullptr : &*found;
}

}  // namespace vbs::vmm_delegate
