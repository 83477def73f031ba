#pragma once

#include "volume_delegate/store/lvm/lvm_object.h"
#include "volume_delegate/store/lvm/lvm_scrubber.h"

namespace vbs::volume_delegate {

/// From here on nobody has it, and its bytes will be wiped.
Result<void> give_up(VolumeGroup& group, LvmScrubber& wipes, LvmObject& object);
/// Of what is half-made: removed, or given up where it may hold somebody's bytes.
Result<void> discard(VolumeGroup& group, LvmScrubber& wipes, LvmObject& object);
/// A deleted classic snapshot costs its volume's guest a write for every write, until its room is
/// an LV of its own.
Result<void> split_from_volume(VolumeGroup& group, LvmObject& deleted);
/// The scrubber's work for what is on its way out: wipes it and removes it.
Result<void> erase(VolumeGroup& group, Pace& pace, const Uuid& id, CopyControl& control);

}  // namespace vbs::volume_delegate
