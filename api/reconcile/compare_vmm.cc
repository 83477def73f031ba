#include <map>

#include "api/reconcile/comparer.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

class VmmComparer final : public Comparer {
 public:
  using Comparer::Comparer;

  void devices(const wire::VmmInventory& inventory) {
    std::multimap<Uuid, const wire::DeviceStatus*> there;
    for (const wire::DeviceStatus& status : inventory.devices)
      there.emplace(status.attachment, &status);
    std::map<std::string, const wire::VmStatus*> vms;
    for (const wire::VmStatus& vm : inventory.vms) vms.emplace(vm.name, &vm);
    for (const db::Attachment& row : db::AttachmentTable(connection_).open_on_vmm(node_)) {
      const auto [first, last] = there.equal_range(row.id);
      const wire::DeviceStatus* own = nullptr;
      for (auto entry = first; entry != last; ++entry) {
        if (entry->second->vm == row.vm)
          own = entry->second;
        else if (row.state == db::AttachmentState::attached)
          in_other_vm(row, entry->second->vm);
      }
      const bool elsewhere = own == nullptr && first != last;
      there.erase(first, last);
      if (row.state != db::AttachmentState::attached || elsewhere) continue;
      const auto vm = vms.find(row.vm);
      one_device(row, own, vm == vms.end() ? nullptr : vm->second);
    }
    for (const auto& [id, status] : there)
      surplus_of_attachment("device", id, "/v1/devices/" + id.str(), status->vm);
  }

  /// What a forced detach has left of its session on a node that was away. A device that is still
  /// shown needs it: the device goes first.
  void sessions(const wire::VmmInventory& inventory) {
    std::set<Uuid> not_yet;
    for (const wire::DeviceStatus& device : inventory.devices) not_yet.insert(device.attachment);
    for (const db::Attachment& row : db::AttachmentTable(connection_).open_on_vmm(node_))
      not_yet.insert(row.id);
    for (const wire::SessionStatus& session : inventory.sessions) {
      const Uuid& id = session.attachment;
      if (not_yet.contains(id)) continue;
      surplus_of_attachment("session", id, "/v1/sessions/" + id.str(), "");
    }
  }

 private:
  /// `own`: what the VM shows of it, `vm`: what has the VM's name; null where that is not.
  void one_device(const db::Attachment& row, const wire::DeviceStatus* own,
                  const wire::VmStatus* vm) {
    const std::string state = vm == nullptr ? "off" : vm->state;
    if (state == "unknown") {
      add("vm-unknown", row.id, "VM " + row.vm + " does not answer").attachment = row.id;
    } else if (vm != nullptr && wire::is_other_vm(vm->uuid, row.vm_uuid)) {
      add("other-vm", row.id,
          "VM " + row.vm + " is another than " + row.device + " of attachment " + row.id.str() +
              " was given to (its UUID is " + vm->uuid->str() + " and not " + row.vm_uuid->str() +
              ")" + (own == nullptr ? "" : " and shows it") +
              ": detach it, and attach it to the VM that is to have it")
          .attachment = row.id;
    } else if (own != nullptr && own->state == "attached") {
      count(db::volume_resource(row.volume), true);
      if (!row.vm_uuid && vm != nullptr && vm->uuid) result_.vm_uuids.emplace(row.id, *vm->uuid);
      stale_size(row, "VM " + row.vm, own->size_bytes, own->grows);
    } else if (state == "off") {
      add("vm-off", row.id,
          "VM " + row.vm + " is off; it gets " + row.device + " back when it runs")
          .attachment = row.id;
    } else {
      // Half of a device, as somebody's meddling leaves it, is none: making it again completes it.
      count(db::volume_resource(row.volume), false);
      Drift& drift =
          add("missing-device", row.id,
              "VM " + row.vm + " does not show " + row.device + " of attachment " + row.id.str());
      drift.remedy = Remedy::repair_attachment;
      drift.volume = row.volume;
      drift.attachment = row.id;
    }
  }

  void in_other_vm(const db::Attachment& row, const std::string& vm) {
    add("device-in-other-vm", row.id,
        row.device + " of attachment " + row.id.str() + " shows in VM " + vm + " and not in VM " +
            row.vm + ": was it renamed? Detach it, and attach it again")
        .attachment = row.id;
  }
};

}  // namespace

Comparison compare_vmm(db::Connection& connection, const std::string& node,
                       const wire::VmmInventory& inventory, const HeldResources& held) {
  VmmComparer comparer(connection, node, held);
  comparer.devices(inventory);
  comparer.sessions(inventory);
  return comparer.take();
}

}  // namespace vbs::api
