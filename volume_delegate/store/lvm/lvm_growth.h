#pragma once

#include <cstdint>
#include <functional>

#include "common/clock.h"
#include "volume_delegate/store/lvm/lvm_jobs.h"
#include "volume_delegate/store/lvm/lvm_object.h"

namespace vbs::volume_delegate {

/// How a thick volume grows without anybody ever seeing what its new extents held. The target shows
/// what the LV has as soon as it has it, so the LV gets only extents that are all zeros already:
///
///   1. They are allocated as an LV beside it (GrowthRecord), which is zeroed.
///   2. The volume is `growing`; the tag says which extents it will get.
///   3. In one go that LV is removed, and the volume extended onto exactly its extents.
///   4. If they are what the tag says, the volume has its new size.
///
/// Killed before 3 it goes on; killed within 3 the extents may be free, and the volume keeps its
/// old size, unless a command that outlived the process still adds them; killed after 3 the tag
/// proves that they were zeros.
class LvmGrowth {
 public:
  LvmGrowth(VolumeGroup& group, LvmJobs& jobs, Pace& pace, Clock& clock)
      : group_(group), jobs_(jobs), pace_(pace), clock_(clock), began_(clock.monotonic()) {}

  /// Allocates the room; the caller has checked that there is so much.
  Result<void> begin(const Uuid& volume, std::uint64_t size_bytes, std::uint64_t room_bytes);
  /// The scrubber's work: goes on with what the tags show, or takes it back.
  Result<void> go_on(const Uuid& volume, CopyControl& control);

 private:
  /// `open`: not begun, or not to its end; it is tried again.
  enum class End { open, kept_its_size, grown };

  Result<void> zero(LvmGrowthRoom& room, CopyControl& control);
  /// Nobody else begins anything with the volume meanwhile, nor marks it as deleted.
  Result<void> as_job(const Uuid& volume, const std::function<Result<void>()>& act);
  Result<void> take_over(const Uuid& volume);
  Result<void> extend(LvmObject& object, const LvmGrowthRoom& room, const GroupView& view);
  /// Ends `growing`, by what the volume has got.
  Result<End> settle(const Uuid& volume);

  VolumeGroup& group_;
  LvmJobs& jobs_;
  Pace& pace_;
  Clock& clock_;
  const MonotonicTime began_;
};

/// `conflict` where the LV has more than its volume: nobody knows what is in the extents that
/// somebody else added.
Result<void> check_has_no_surplus(const LvmObject& object, const GroupSize& group);

}  // namespace vbs::volume_delegate
