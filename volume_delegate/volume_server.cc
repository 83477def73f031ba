#include "volume_delegate/volume_server.h"

#include <set>
#include <utility>

#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::chrono::hours kPruneEvery{1};
/// No order is under way for so long.
constexpr std::chrono::days kTombstonesKept{7};

}  // namespace

VolumeServer::VolumeServer(VolumeServerParts parts)
    : parts_(std::move(parts)),
      copies_(parts_.post_copy, parts_.clock),
      volumes_({parts_.store, copies_, parts_.tombstones, parts_.exports, locks_, parts_.clock}),
      snapshots_({parts_.store, copies_, parts_.tombstones, parts_.exports, locks_, parts_.clock}),
      exports_({parts_.store, parts_.target, parts_.exports, copies_, locks_, parts_.clock,
                parts_.iqn_prefix}),
      last_pruned_(parts_.clock.monotonic()) {}

wire::NodeStatus VolumeServer::node() {
  wire::NodeStatus status;
  status.name = parts_.name;
  status.role = "volume-server";
  status.version = VBS_VERSION;
  status.driver = parts_.store.name() + "+" + parts_.target.name();
  status.snapshots_need_volume = parts_.store.snapshots_need_volume();
  status.grows_attached = parts_.target.grows_live();
  status.problem = exports_.problem();
  if (const auto space = parts_.store.space()) {
    status.capacity_bytes = space->capacity_bytes;
    status.reserved_bytes = space->reserved_bytes;
  } else {
    status.problem = space.error().message;
  }
  status.healthy = status.problem.empty();
  if (status.healthy) status.problem = parts_.store.warning();
  return status;
}

Result<wire::VolumeServerInventory> VolumeServer::inventory() {
  // Copies before the store: one that ends in between is then in both, and never in neither.
  const auto copies = copies_.running();
  auto stored = parts_.store.list();
  if (!stored) return fail(stored.error());
  wire::VolumeServerInventory out;
  std::set<ObjectRef> complete;
  for (const auto& volume : stored->volumes) {
    complete.insert({ObjectKind::volume, volume.id});
    out.volumes.push_back(VolumeService::ready(volume));
  }
  for (const auto& snapshot : stored->snapshots) {
    complete.insert({ObjectKind::snapshot, snapshot.id});
    out.snapshots.push_back(SnapshotService::ready(snapshot));
  }
  for (const auto& image : stored->images)
    out.images.push_back({image.id, image.name, image.size_bytes});
  for (const auto& copy : copies) {
    if (complete.contains(copy.order.object)) continue;
    if (copy.order.object.kind == ObjectKind::volume) {
      out.volumes.push_back(VolumeService::copying(copy));
    } else {
      out.snapshots.push_back(SnapshotService::copying(copy));
    }
  }
  auto exports = exports_.list();
  if (!exports) return fail(exports.error());
  out.exports = std::move(exports->exports);
  out.foreign = std::move(stored->foreign);
  out.foreign.insert(out.foreign.end(), exports->foreign.begin(), exports->foreign.end());
  return out;
}

void VolumeServer::tend() {
  exports_.tend();
  forget_old_things();
}

void VolumeServer::forget_old_things() {
  const MonotonicTime now = parts_.clock.monotonic();
  if (now - last_pruned_ < kPruneEvery) return;
  last_pruned_ = now;
  copies_.forget_old_failures();
  const WallTime limit = parts_.clock.wall() - kTombstonesKept;
  for (const auto& pruned : {parts_.tombstones.prune(limit), parts_.exports.prune(limit)}) {
    if (!pruned)
      log::warning("cannot forget old tombstones", {{"error", describe(pruned.error())}});
  }
}

}  // namespace vbs::volume_delegate
