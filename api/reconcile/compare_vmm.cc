#include <map>

#include "api/reconcile/comparer.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

class VmmComparer final : public Comparer {
 public:
  using Comparer::Comparer;

  void devices(const wire::VmmInventory& inventory) {
    std::map<Uuid, const wire::DeviceStatus*> there;
    for (const wire::DeviceStatus& status : inventory.devices)
      there.emplace(status.attachment, &status);
    std::set<std::string> running;
    for (const wire::VmStatus& vm : inventory.vms) {
      if (vm.state == "running" || vm.state == "paused") running.insert(vm.name);
    }
    for (const db::Attachment& row : db::AttachmentTable(connection_).open_on_vmm(node_)) {
      // Half of a device, as somebody's meddling leaves it, is none: making it again completes it.
      const auto entry = there.find(row.id);
      const bool present = entry != there.end() && entry->second->state == "attached";
      const std::uint64_t size_bytes = present ? entry->second->size_bytes : 0;
      if (entry != there.end()) there.erase(entry);
      if (row.state != db::AttachmentState::attached) continue;
      if (present) {
        count(db::volume_resource(row.volume), true);
        stale_size(row, "VM " + row.vm, size_bytes);
        continue;
      }
      if (!running.contains(row.vm)) {
        add("vm-off", row.id,
            "VM " + row.vm + " is off; it gets " + row.device + " back when it runs")
            .attachment = row.id;
        continue;
      }
      count(db::volume_resource(row.volume), false);
      Drift& drift =
          add("missing-device", row.id,
              "VM " + row.vm + " does not show " + row.device + " of attachment " + row.id.str());
      drift.remedy = Remedy::repair_attachment;
      drift.volume = row.volume;
      drift.attachment = row.id;
    }
    for (const auto& [id, status] : there) {
      surplus_of_attachment("device", id, "/v1/devices/" + id.str(), status->vm);
    }
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
