#include "volume_delegate/snapshot_service.h"

#include <string>
#include <utility>

#include "common/fault_point.h"
#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

tl::unexpected<Error> other_volume(const Uuid& id, const Uuid& held) {
  return fail(ErrorCode::conflict, "snapshot " + id.str() + " is already there, of volume " +
                                       held.str() + "; an id cannot be used for another snapshot");
}

}  // namespace

wire::SnapshotStatus SnapshotService::ready(const StoredSnapshot& snapshot) {
  wire::SnapshotStatus status;
  status.id = snapshot.id;
  status.volume = snapshot.volume;
  status.size_bytes = snapshot.size_bytes;
  status.state = snapshot.lost ? "lost" : "ready";
  status.copied_bytes = snapshot.size_bytes;
  return status;
}

wire::SnapshotStatus SnapshotService::copying(const CopyBoard::View& copy) {
  wire::SnapshotStatus status;
  status.id = copy.order.object.id;
  status.volume = copy.order.source->id;
  status.size_bytes = copy.order.size_bytes;
  status.state = "copying";
  status.copied_bytes = copy.copied_bytes;
  return status;
}

wire::SnapshotStatus SnapshotService::deleting(const Uuid& id, const Removal& removal) {
  wire::SnapshotStatus status;
  status.id = id;
  status.size_bytes = removal.size_bytes;
  status.state = "deleting";
  status.copied_bytes = removal.wiped_bytes;
  return status;
}

Result<wire::SnapshotStatus> SnapshotService::put(const Uuid& id, const wire::SnapshotSpec& spec) {
  const auto guard = parts_.locks.take({id, spec.volume});
  if (!guard) return fail(guard.error());
  if (parts_.tombstones.contains(id)) return was_deleted({ObjectKind::snapshot, id});
  auto same = find_same(id, spec.volume);
  if (!same) return fail(same.error());
  if (*same) return std::move(**same);
  return make(id, spec.volume);
}

Result<std::optional<wire::SnapshotStatus>> SnapshotService::find_same(const Uuid& id,
                                                                       const Uuid& volume) {
  if (const auto copy = parts_.copies.find(id)) {
    if (copy->failure) {
      parts_.copies.forget_failure(id);
      return fail(*copy->failure);
    }
    if (copy->cancelled)
      return fail(ErrorCode::conflict, "snapshot " + id.str() + " is being deleted");
    if (copy->order.source->id != volume) return other_volume(id, copy->order.source->id);
    return copying(*copy);
  }
  auto held = parts_.store.find_snapshot(id);
  if (!held && held.error().code == ErrorCode::not_found) return std::nullopt;
  if (!held) return fail(held.error());
  if (held->volume != volume) return other_volume(id, held->volume);
  if (held->lost) {
    return fail(
        ErrorCode::conflict,
        "snapshot " + id.str() + " is lost: its volume was written to faster than its room grew");
  }
  return ready(*held);
}

Result<wire::SnapshotStatus> SnapshotService::make(const Uuid& id, const Uuid& volume) {
  fault_point("volumed.put_snapshot.before_act");
  const ObjectRef source{ObjectKind::volume, volume};
  if (auto ok = check_source_is_complete(parts_.copies, source); !ok) return fail(ok.error());
  auto copy = parts_.store.prepare_snapshot(id, volume);
  if (!copy) {
    Error error = copy.error();
    if (error.field == "source") error.field = "volume";  // its name in this order
    return fail(std::move(error));
  }
  const CopyOrder order{{ObjectKind::snapshot, id}, source, (*copy)->size_bytes()};
  // A volume that is exported may have a guest, which then is held still for this copy.
  const bool in_use = !parts_.exports.of_volume(volume).empty();
  const Urgency urgency = in_use ? Urgency::guest_waits : Urgency::usual;
  if (auto ok = parts_.copies.begin(order, std::move(*copy), urgency); !ok) return fail(ok.error());
  fault_point("volumed.put_snapshot.after_act");
  log::info("made a snapshot", {{"id", id.str()}, {"volume", volume.str()}});
  return get(id);
}

Result<wire::SnapshotStatus> SnapshotService::get(const Uuid& id) {
  if (const auto copy = parts_.copies.find(id)) {
    if (copy->failure) return fail(*copy->failure);
    return copying(*copy);
  }
  auto held = parts_.store.find_snapshot(id);
  if (held) return ready(*held);
  if (held.error().code != ErrorCode::not_found) return fail(held.error());
  return fail(ErrorCode::not_found, "there is no snapshot " + id.str() + " on this server");
}

Result<std::optional<wire::SnapshotStatus>> SnapshotService::remove(const Uuid& id) {
  const auto guard = parts_.locks.take({id});
  if (!guard) return fail(guard.error());
  if (auto ok = check_not_being_read(parts_.copies, {ObjectKind::snapshot, id}); !ok) {
    return fail(ok.error());
  }
  if (const auto copy = parts_.copies.find(id)) {
    if (!copy->failure && parts_.copies.cancel(id)) return copying(*copy);
    parts_.copies.forget_failure(id);
  }
  fault_point("volumed.delete_snapshot.before_act");
  auto removal = parts_.store.remove_snapshot(id);
  if (!removal) return fail(removal.error());
  if (!removal->gone) return deleting(id, *removal);
  fault_point("volumed.delete_snapshot.after_act");
  if (auto ok = parts_.tombstones.add(id, parts_.clock.wall()); !ok) return fail(ok.error());
  fault_point("volumed.delete_snapshot.after_record");
  log::info("deleted a snapshot", {{"id", id.str()}});
  return std::nullopt;
}

}  // namespace vbs::volume_delegate
