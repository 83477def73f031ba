#include "volume_delegate/store/lvm/lvm_snapshots.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::uint64_t kChunk = 4 * kKiB;
constexpr std::uint64_t kEntry = 16;

}  // namespace

std::uint64_t most_snapshot_bytes(const GroupSize& group, std::uint64_t volume_bytes) {
  const std::uint64_t chunks = (volume_bytes + kChunk - 1) / kChunk;
  const std::uint64_t entries_a_chunk = kChunk / kEntry;
  const std::uint64_t tables = (chunks + entries_a_chunk - 1) / entries_a_chunk + 1;
  return group.round_up((chunks + tables + 1) * kChunk);
}

std::uint64_t SnapshotRoom::first_bytes(const GroupSize& group, std::uint64_t volume_bytes) const {
  const std::uint64_t wanted = std::max(volume_bytes / 100 * first_percent, least_bytes);
  return std::min(group.round_up(wanted), most_snapshot_bytes(group, volume_bytes));
}

std::uint64_t SnapshotRoom::promised_bytes(const GroupSize& group,
                                           std::uint64_t volume_bytes) const {
  const std::uint64_t most = most_snapshot_bytes(group, volume_bytes);
  if (promised_percent >= 100) return most;
  const std::uint64_t wanted = group.round_up(volume_bytes / 100 * promised_percent);
  return std::min(most, std::max(wanted, first_bytes(group, volume_bytes)));
}

std::uint64_t promised_to_snapshot(const SnapshotRoom& room, const GroupView& view,
                                   const LvmObject& snapshot) {
  const auto* volume = view.find(snapshot.lv.origin);
  const bool grows = volume != nullptr && snapshot.usable() && !snapshot.record.lost;
  const std::uint64_t promised = grows ? room.promised_bytes(view.group, volume->size_bytes) : 0;
  return std::max(promised, snapshot.lv.size_bytes);
}

Result<void> mark_lost(VolumeGroup& group, LvmObject& snapshot) {
  if (snapshot.record.lost) return {};
  LvRecord lost = snapshot.record;
  lost.lost = true;
  log::error("a snapshot is lost: its room was too small", {{"lv", snapshot.lv.name}});
  return change_record(group, snapshot, lost);
}

std::string SnapshotKeeper::look_after(const GroupView& view, const RoomLeft& room_left) {
  std::string first;
  for (auto& snapshot : objects_of(view)) {
    const bool watched = snapshot.record.object.kind == ObjectKind::snapshot && snapshot.usable() &&
                         !snapshot.record.lost;
    const auto* volume = watched ? view.find(snapshot.lv.origin) : nullptr;
    if (volume == nullptr) continue;
    auto warning = look_after(view.group, std::move(snapshot), *volume, room_left);
    if (first.empty()) first = std::move(warning);
  }
  return first;
}

std::string SnapshotKeeper::look_after(const GroupSize& group, LvmObject snapshot,
                                       const LogicalVolume& volume, const RoomLeft& room_left) {
  const std::string who = snapshot.record.object.str();
  if (snapshot.lv.invalid) {
    auto marked = mark_lost(group_, snapshot);
    return marked ? who + " is lost" : describe(marked.error());
  }
  const double full = snapshot.lv.data_percent.value_or(0);
  const std::uint64_t most = most_snapshot_bytes(group, volume.size_bytes);
  if (full < room_.extend_at_percent || snapshot.lv.size_bytes >= most) return "";
  const std::uint64_t has = snapshot.lv.size_bytes;
  const std::uint64_t promised = room_.promised_bytes(group, volume.size_bytes);
  std::uint64_t wanted = std::min(std::max(2 * has, has + group.extent_bytes), most);
  if (wanted > promised && !room_left(wanted - std::max(promised, has))) wanted = promised;
  if (wanted <= has) {
    return who + " is " + std::to_string(static_cast<int>(full)) +
           "% full and there is no more room for it: delete it, or let its volume be written less";
  }
  if (auto ok = group_.change(group_.commands().extend(snapshot.lv.name, wanted),
                              VolumeGroup::Order::urgent);
      !ok) {
    return who + " cannot be given more room: " + ok.error().message;
  }
  log::info("gave a snapshot more room", {{"lv", snapshot.lv.name}, {"size", format_size(wanted)}});
  return "";
}

}  // namespace vbs::volume_delegate
