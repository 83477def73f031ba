#include <map>

#include "api/reconcile/comparer.h"
#include "common/units.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

class VolumeServerComparer final : public Comparer {
 public:
  using Comparer::Comparer;

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
        stale_size(row, "its target", found.mapped()->size_bytes, true);
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

 private:
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
};

}  // namespace

Comparison compare_volume_server(db::Connection& connection, const std::string& node,
                                 const wire::VolumeServerInventory& inventory,
                                 const HeldResources& held) {
  VolumeServerComparer comparer(connection, node, held);
  comparer.volumes(inventory.volumes);
  comparer.snapshots(inventory.snapshots);
  comparer.exports(inventory.exports);
  comparer.foreign(inventory.foreign);
  return comparer.take();
}

}  // namespace vbs::api
