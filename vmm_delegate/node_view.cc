#include "vmm_delegate/node_view.h"

namespace vbs::vmm_delegate {

NodeView::NodeView(std::string name, std::string initiator_name, Hypervisor& hypervisor,
                   Initiator& initiator, FreezeService& freezes)
    : name_(std::move(name)),
      initiator_name_(std::move(initiator_name)),
      hypervisor_(hypervisor),
      initiator_(initiator),
      freezes_(freezes) {}

wire::NodeStatus NodeView::node() {
  wire::NodeStatus status;
  status.name = name_;
  status.role = "vmm";
  status.version = VBS_VERSION;
  status.driver = hypervisor_.driver();
  status.initiator = initiator_name_;
  if (const auto checked = hypervisor_.check(); !checked) {
    status.healthy = false;
    status.problem = checked.error().message;
  }
  return status;
}

Result<std::vector<wire::VmStatus>> NodeView::vms() {
  return hypervisor_.vms();
}

Result<wire::VmStatus> NodeView::vm(const std::string& name) {
  return hypervisor_.vm(name);
}

Result<wire::VmmInventory> NodeView::inventory() {
  auto vms = hypervisor_.vms();
  if (!vms) return fail(vms.error());
  auto sessions = initiator_.sessions();
  if (!sessions) return fail(sessions.error());
  auto freezes = freezes_.open_freezes();
  if (!freezes) return fail(freezes.error());
  wire::VmmInventory inventory{*std::move(vms), {}, *std::move(sessions), *std::move(freezes)};
  for (wire::VmStatus& vm : inventory.vms) {
    if (vm.state == "unknown") continue;
    auto view = hypervisor_.look(vm.name);
    vm = view ? view->status : wire::VmStatus{vm.name, "unknown", false};
    if (!view) continue;
    inventory.devices.insert(inventory.devices.end(), view->devices.begin(), view->devices.end());
  }
  return inventory;
}

}  // namespace vbs::vmm_delegate
