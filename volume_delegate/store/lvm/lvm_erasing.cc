#include "volume_delegate/store/lvm/lvm_erasing.h"

#include <utility>

#include "common/fault_point.h"
#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

Result<void> wipe(VolumeGroup& group, Pace& pace, LvmObject& object, CopyControl& control) {
  fault_point("volumed.wipe.before_act");
  auto device = open_device(group, object.lv.name, BlockDevice::Use::write_alone);
  if (!device) return fail(device.error());
  control.copied_bytes = object.record.progress_bytes;
  return zero_range(*device, object.record.progress_bytes, object.lv.size_bytes, pace, control,
                    [&](std::uint64_t offset) {
                      LvRecord further = object.record;
                      further.progress_bytes = offset;
                      return change_record(group, object, further);
                    });
}

}  // namespace

Result<void> give_up(VolumeGroup& group, LvmScrubber& wipes, LvmObject& object) {
  LvRecord deleting = object.record;
  deleting.stage = LvStage::deleting;
  deleting.progress_bytes = 0;
  deleting.grow_to_bytes = 0;
  deleting.onto.clear();
  if (auto ok = change_record(group, object, deleting); !ok) return ok;
  fault_point("volumed.wipe.after_mark");
  if (auto split = split_from_volume(group, object); !split) {
    log::warning("a deleted snapshot is split from its volume later",
                 {{"lv", object.lv.name}, {"error", describe(split.error())}});
  }
  wipes.add(object.record.object.id, object.lv.size_bytes);
  return {};
}

Result<void> discard(VolumeGroup& group, LvmScrubber& wipes, LvmObject& object) {
  // Nothing was ever written to it but zeros.
  if (object.record.stage == LvStage::zeroing) return remove_alone(group, object.lv.name);
  return give_up(group, wipes, object);
}

Result<void> split_from_volume(VolumeGroup& group, LvmObject& deleted) {
  if (deleted.lv.origin.empty()) return {};
  auto split = group.change(group.commands().split_snapshot(deleted.lv.name));
  if (split) deleted.lv.origin.clear();
  return split;
}

Result<void> erase(VolumeGroup& group, Pace& pace, const Uuid& id, CopyControl& control) {
  auto view = group.look();
  if (!view) return fail(view.error());
  auto object = find_object(**view, id);
  if (!object || !object->record.on_its_way_out()) return {};
  if (object->record.stage == LvStage::deleting) {
    if (auto ok = split_from_volume(group, *object); !ok) return ok;
    if (auto ok = wipe(group, pace, *object, control); !ok) return ok;
    fault_point("volumed.wipe.after_act");
    LvRecord wiped = object->record;
    wiped.stage = LvStage::wiped;
    wiped.progress_bytes = 0;
    if (auto ok = change_record(group, *object, wiped); !ok) return ok;
  }
  fault_point("volumed.wipe.after_record");
  auto removed = remove_alone(group, object->lv.name);
  if (removed) log::info("wiped and removed", {{"lv", object->lv.name}});
  return removed;
}

}  // namespace vbs::volume_delegate
