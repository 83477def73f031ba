#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "volume_delegate/store/lvm/lvm_object.h"

namespace vbs::volume_delegate {

/// How much room classic snapshots get for what their volume overwrites.
struct SnapshotRoom {
  unsigned first_percent = 20;          ///< of the volume, when one is made,
  std::uint64_t least_bytes = 1 << 30;  ///< but not less than this
  unsigned promised_percent = 100;      ///< of the volume: so far it can grow for sure
  unsigned extend_at_percent = 50;      ///< full; then it is doubled

  std::uint64_t first_bytes(const GroupSize& group, std::uint64_t volume_bytes) const;
  std::uint64_t promised_bytes(const GroupSize& group, std::uint64_t volume_bytes) const;
};

/// The room that a snapshot of a volume can use at most: every chunk of 4 KiB with its entry of 16
/// bytes in the table of exceptions, and the header (drivers/md/dm-snap-persistent.c).
std::uint64_t most_snapshot_bytes(const GroupSize& group, std::uint64_t volume_bytes);

/// Watches how full classic snapshots are, gives them more room in time, and marks those that
/// overflowed as lost. One thread.
class SnapshotKeeper {
 public:
  SnapshotKeeper(VolumeGroup& group, SnapshotRoom room) : group_(group), room_(room) {}

  /// `room_left`: whether so much more can be had beyond what is promised.
  using RoomLeft = std::function<bool(std::uint64_t bytes)>;
  /// What an operator should know, "" if nothing.
  std::string look_after(const GroupView& view, const RoomLeft& room_left);

 private:
  std::string look_after(const GroupSize& group, LvmObject snapshot, const LogicalVolume& volume,
                         const RoomLeft& room_left);

  VolumeGroup& group_;
  const SnapshotRoom room_;
};

/// Records that an overflowed snapshot is lost.
Result<void> mark_lost(VolumeGroup& group, LvmObject& snapshot);
/// What a snapshot is promised in all, or already has.
std::uint64_t promised_to_snapshot(const SnapshotRoom& room, const GroupView& view,
                                   const LvmObject& snapshot);

}  // namespace vbs::volume_delegate
