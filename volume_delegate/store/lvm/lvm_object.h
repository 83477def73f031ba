#pragma once

#include <optional>
#include <vector>

#include "common/error.h"
#include "volume_delegate/store/backing_store.h"
#include "volume_delegate/store/lvm/block_device.h"
#include "volume_delegate/store/lvm/lvm_tags.h"
#include "volume_delegate/store/lvm/volume_group.h"

namespace vbs::volume_delegate {

/// An LV of VBS: what lvm says of it, and what its tags say.
struct LvmObject {
  LogicalVolume lv;
  LvRecord record;

  /// Somebody may use it. lvm makes a classic snapshot as an LV with its tags first, and links it
  /// to its origin in a second commit: between the two, or killed there, it holds nothing.
  bool usable() const {
    const bool linked = !lv.origin.empty() || !lv.pool.empty();
    return record.usable() && (record.object.kind != ObjectKind::snapshot || linked);
  }
};

/// An object in whatever stage.
std::optional<LvmObject> find_object(const GroupView& view, const Uuid& id);
std::vector<LvmObject> objects_of(const GroupView& view);
/// An LV that is complete, not lost, and of that kind; also an image that nobody can write to.
Result<LvmObject> find_source(const GroupView& view, const ObjectRef& source);
/// A copy is not smaller than its source.
Result<void> check_fits(std::uint64_t size_bytes, const LvmObject& source);
/// already_exists where the name of an object is taken; `overloaded` where what is left of it goes.
Result<void> check_name_is_free(const GroupView& view, const Uuid& id);
/// One driver a volume group, and one pool: another driver would free extents unwiped, or wipe what
/// is shared. "" for the driver without a pool.
Result<void> check_no_other_driver(const GroupView& view, const std::string& pool);
/// An LV that has this one as its origin, whoever made it: lvm would remove it together with this
/// one. Thin LVs of one pool are peers, and no such.
const LogicalVolume* find_dependent(const GroupView& view, const LogicalVolume& lv);
/// `conflict`, naming the other.
tl::unexpected<Error> needed_by(const LogicalVolume& lv, const LogicalVolume& other);
/// Looks again, and removes the LV unless there is a dependent by now.
Result<void> remove_alone(VolumeGroup& group, const std::string& lv);
/// The device of an LV of a look, which must have been active then; its size has to be that of the
/// LV, unless it is a classic snapshot, whose size is that of its room.
Result<BlockDevice> open_device(const VolumeGroup& group, const LogicalVolume& lv,
                                BlockDevice::Use use);
/// The same for an LV that is activated first if it has to be.
Result<BlockDevice> open_device(VolumeGroup& group, const std::string& lv, BlockDevice::Use use);

/// Room that is being zeroed for a volume that grows.
struct LvmGrowthRoom {
  LogicalVolume lv;
  GrowthRecord record;
};
std::optional<LvmGrowthRoom> find_growth(const GroupView& view, const Uuid& volume);

/// Exchanges the tags in one commit, and then the record of `object`.
Result<void> change_record(VolumeGroup& group, LvmObject& object, const LvRecord& to);

}  // namespace vbs::volume_delegate
