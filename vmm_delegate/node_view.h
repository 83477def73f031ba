#pragma once

#include <string>
#include <vector>

#include "common/wire/inventory.h"
#include "common/wire/node.h"
#include "vmm_delegate/freeze/freeze_service.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/initiator/initiator.h"

namespace vbs::vmm_delegate {

/// What this node says of itself: /v1/node, /v1/vms, /v1/inventory. Thread-safe; all but `node`
/// block.
class NodeView {
 public:
  NodeView(std::string name, std::string initiator_name, Hypervisor& hypervisor,
           Initiator& initiator, FreezeService& freezes);

  wire::NodeStatus node();
  Result<std::vector<wire::VmStatus>> vms();
  Result<wire::VmStatus> vm(const std::string& name);
  /// A VM of which nothing can be learned now has the state "unknown": its devices are missing from
  /// the list, not from the VM.
  Result<wire::VmmInventory> inventory();

 private:
  const std::string name_;
  const std::string initiator_name_;
  Hypervisor& hypervisor_;
  Initiator& initiator_;
  FreezeService& freezes_;
};

}  // namespace vbs::vmm_delegate
