#include "api/reconcile/drift.h"

#include <map>

#include "common/units.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

constexpr std::size_t kImplausibleCount = 5;
constexpr std::size_t kImplausibleShare = 20;  // one in twenty is 5%

/// Collects what one node lacks and what it has too much.
class Comparer {
 public:
  Comparer(db::Connection& connection, const std::string& node, const HeldResources& held)
      : connection_(connection), node_(node), held_(held) {}

  void volumes(const std::vector<wire::VolumeStatus>& shown) {
    std::map<Uuid, const wire::VolumeStatus*> there;
    for (const wire::VolumeStatus& status : shown) there.emplace(status.id, &status);
    for (const db::Volume& row : db::VolumeTable(connection_).on_node(node_)) {
      const auto entry = there.find(row.id);
      count(db::volume_resource(row.id), entry != there.end());
      if (entry == there.end()) {
        add("missing-volume", row.id,
            "volume " + row.id.str() + " is not there; restore it, or delete the volume")
            .volume = row.id;
        continue;
      }
      wrong_size(row, entry->second->size_bytes);
      there.erase(entry);
    }
    for (const auto& [id, status] : there) surplus_volume(id);
  }

  void snapshots(const std::vector<wire::SnapshotStatus>& shown) {
    std::set<Uuid> there;
    std::set<Uuid> lost;
    for (const wire::SnapshotStatus& status : shown) {
      there.insert(status.id);
      if (status.state == "lost") lost.insert(status.id);
    }
    for (const db::Snapshot& row : db::SnapshotTable(connection_).on_node(node_)) {
      const bool present = there.erase(row.id) == 1;
      count(db::snapshot_resource(row.id), present);
      if (lost.contains(row.id)) lost_snapshot(row);
      if (present) continue;
      add("missing-snapshot", row.id,
          "snapshot " + row.id.str() + " is not there; restore it, or delete the snapshot")
          .snapshot = row.id;
    }
    for (const Uuid& id : there) surplus_snapshot(id);
  }

  void exports(const std::vector<wire::ExportStatus>& shown) {
    std::map<Uuid, const wire::ExportStatus*> there;
    for (const wire::ExportStatus& status : shown) there.emplace(status.attachment, &status);
    for (const db::Attachment& row :
         db::AttachmentTable(connection_).open_on_volume_server(node_)) {
      const auto found = there.extract(row.id);
      const bool present = !found.empty();
      if (row.state != db::AttachmentState::attached) continue;
      count(db::volume_resource(row.volume), present);
      if (present) {
        stale_size(row, "its target", found.mapped()->size_bytes);
        continue;
      }
      Drift& drift = add("missing-export", row.id,
                         "the export of attachment " + row.id.str() + " is not there");
      drift.remedy = Remedy::repair_attachment;
      drift.volume = row.volume;
      drift.attachment = row.id;
    }
    for (const auto& [id, status] : there) {
      Drift* drift = surplus_of_attachment("export", id, "/v1/exports/" + id.str(), "");
      if (drift == nullptr || !status->buried) continue;
      drift->after_vmm = db::AttachmentTable(connection_).find(id)->vmm_node;
      drift->detail = "an empty target is kept for attachment " + id.str() + " until VMM node " +
                      drift->after_vmm + " has let go of it";
    }
  }

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

  void foreign(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      Drift drift;
      drift.kind = "foreign";
      drift.node = node_;
      drift.object = name;
      drift.detail = name + " is not of VBS and is left alone";
      result_.drifts.push_back(std::move(drift));
    }
  }

  Comparison take() { return std::move(result_); }

 private:
  void count(const std::string& resource, bool present) {
    if (held_.contains(resource)) return;
    ++result_.expected;
    if (!present) ++result_.missing;
  }

  Drift& add(std::string kind, const Uuid& object, std::string detail) {
    Drift& drift = result_.drifts.emplace_back();
    drift.kind = std::move(kind);
    drift.node = node_;
    drift.object = object.str();
    drift.detail = std::move(detail);
    return drift;
  }

  /// Which of the two is right, nobody here can know.
  void wrong_size(const db::Volume& row, std::uint64_t size_bytes) {
    if (size_bytes == row.size_bytes) return;
    const std::string advice =
        size_bytes > row.size_bytes
            ? "; somebody made it larger: modify-volume to that size takes it over"
            : "; a part of it is gone: restore it, or delete the volume";
    add("wrong-size", row.id,
        "volume " + row.id.str() + " has " + format_size(size_bytes) + " and should have " +
            format_size(row.size_bytes) + advice)
        .volume = row.id;
  }

  /// What a growth has not reached yet: it could not be shown while the volume grew.
  void stale_size(const db::Attachment& row, const std::string& who, std::uint64_t size_bytes) {
    if (size_bytes == 0) return;  // not known
    const auto volume = db::VolumeTable(connection_).find(row.volume);
    if (!volume || size_bytes >= volume->size_bytes) return;
    Drift& drift =
        add("stale-size", row.id,
            who + " shows " + row.device + " of attachment " + row.id.str() + " with " +
                format_size(size_bytes) + " and not with " + format_size(volume->size_bytes));
    drift.remedy = Remedy::repair_attachment;
    drift.volume = row.volume;
    drift.attachment = row.id;
  }

  void surplus_volume(const Uuid& id) {
    const auto row = db::VolumeTable(connection_).find(id);
    if (!row || (row->state != db::VolumeState::deleted && row->node != node_)) {
      add("foreign-volume", id, "volume " + id.str() + " is not of this service and is left alone");
      return;
    }
    Drift& drift =
        add("leftover-volume", id, "volume " + id.str() + " was deleted and is still there");
    drift.remedy = Remedy::remove;
    drift.volume = id;
    drift.path = "/v1/volumes/" + id.str();
  }

  void lost_snapshot(const db::Snapshot& row) {
    Drift& drift =
        add("lost-snapshot", row.id,
            "snapshot " + row.id.str() +
                " is lost: its volume was written to faster than its room grew; delete it");
    drift.snapshot = row.id;
    if (row.state == db::SnapshotState::available) drift.remedy = Remedy::record_loss;
  }

  void surplus_snapshot(const Uuid& id) {
    const auto row = db::SnapshotTable(connection_).find(id);
    if (!row || (row->state != db::SnapshotState::deleted && row->node != node_)) {
      add("foreign-snapshot", id,
          "snapshot " + id.str() + " is not of this service and is left alone");
      return;
    }
    Drift& drift =
        add("leftover-snapshot", id, "snapshot " + id.str() + " was deleted and is still there");
    drift.remedy = Remedy::remove;
    drift.snapshot = id;
    drift.path = "/v1/snapshots/" + id.str();
  }

  /// Null where it is left alone.
  Drift* surplus_of_attachment(const std::string& what, const Uuid& id, std::string path,
                               std::string vm) {
    const auto row = db::AttachmentTable(connection_).find(id);
    const bool ours = row && row->state == db::AttachmentState::closed;
    if (!ours) {
      add("foreign-" + what, id,
          what + " " + id.str() + " is not of this service and is left alone");
      return nullptr;
    }
    Drift& drift = add("leftover-" + what, id,
                       "attachment " + id.str() + " is closed and its " + what + " is still there");
    drift.remedy = Remedy::remove;
    drift.volume = row->volume;
    drift.attachment = id;
    drift.path = std::move(path);
    drift.vm = std::move(vm);
    return &drift;
  }

  db::Connection& connection_;
  const std::string& node_;
  const HeldResources& held_;
  Comparison result_;
};

}  // namespace

std::string attachment_resource(const Uuid& id) {
  return "attachment/" + id.str();
}

std::string resource_of(const Drift& drift) {
  const bool closed = drift.remedy == Remedy::remove && !drift.attachment.is_nil();
  if (closed) return attachment_resource(drift.attachment);
  if (!drift.volume.is_nil()) return db::volume_resource(drift.volume);
  if (!drift.snapshot.is_nil()) return db::snapshot_resource(drift.snapshot);
  return "";
}

Comparison compare_volume_server(db::Connection& connection, const std::string& node,
                                 const wire::VolumeServerInventory& inventory,
                                 const HeldResources& held) {
  Comparer comparer(connection, node, held);
  comparer.volumes(inventory.volumes);
  comparer.snapshots(inventory.snapshots);
  comparer.exports(inventory.exports);
  comparer.foreign(inventory.foreign);
  return comparer.take();
}

Comparison compare_vmm(db::Connection& connection, const std::string& node,
                       const wire::VmmInventory& inventory, const HeldResources& held) {
  Comparer comparer(connection, node, held);
  comparer.devices(inventory);
  comparer.sessions(inventory);
  return comparer.take();
}

bool implausible(const Comparison& comparison) {
  return comparison.missing >= kImplausibleCount &&
         comparison.missing * kImplausibleShare > comparison.expected;
}

}  // namespace vbs::api
