#include "volume_delegate/store/lvm/lvm_store.h"

#include <utility>

#include "common/units.h"
#include "volume_delegate/store/lvm/lvm_erasing.h"
#include "volume_delegate/store/lvm/lvm_making.h"

namespace vbs::volume_delegate {

LvmStore::LvmStore(LvmThickOptions options, std::unique_ptr<VolumeGroup> group, Clock& clock)
    : LvmStoreBase(std::move(group), clock),
      options_(std::move(options)),
      wiping_(options_.lvm.wipe_bytes_per_second),
      copying_(options_.lvm.copy_bytes_per_second),
      keeper_(*group_, options_.snapshots),
      growth_(*group_, jobs_, wiping_, clock),
      wipes_([this](const Uuid& id, CopyControl& control) {
        return erase(*group_, wiping_, id, control);
      }),
      growths_(
          [this](const Uuid& id, CopyControl& control) { return growth_.go_on(id, control); }) {}

Result<std::unique_ptr<LvmStore>> LvmStore::open(LvmThickOptions options,
                                                 std::unique_ptr<VolumeGroup> group, Clock& clock) {
  auto view = group->look();
  if (!view) return fail(view.error());
  if (auto ok = check_no_other_driver(**view, ""); !ok) return fail(ok.error());
  return std::unique_ptr<LvmStore>(new LvmStore(std::move(options), std::move(group), clock));
}

StoreSpace LvmStore::space_in(const GroupView& view, std::uint64_t outstanding) const {
  std::uint64_t held = 0;
  std::uint64_t promised = outstanding;
  for (const auto& object : objects_of(view)) {
    held += object.lv.size_bytes;
    const bool snapshot = object.record.object.kind == ObjectKind::snapshot;
    promised +=
        snapshot ? promised_to_snapshot(options_.snapshots, view, object) : object.lv.size_bytes;
  }
  for (const auto& lv : view.volumes) {
    if (!read_growth(lv)) continue;
    held += lv.size_bytes;
    promised += lv.size_bytes;
  }
  const std::uint64_t usable = view.group.free_bytes + held;
  return {usable - usable / 100 * options_.lvm.reserve_percent, promised};
}

Result<void> LvmStore::check_room(const GroupView& view, std::uint64_t outstanding,
                                  std::uint64_t bytes) const {
  const auto space = space_in(view, outstanding);
  const std::uint64_t left =
      space.capacity_bytes > space.reserved_bytes ? space.capacity_bytes - space.reserved_bytes : 0;
  if (bytes <= left) return {};
  return fail(ErrorCode::insufficient_space,
              "no room for " + format_size(bytes) + " in volume group " + group_->name() + ": " +
                  format_size(space.reserved_bytes) + " of " + format_size(space.capacity_bytes) +
                  " are promised, " + format_size(left) + " are left");
}

Result<StoreSpace> LvmStore::space() {
  auto view = view_for_space();
  if (!view) return fail(view.error());
  return space_in(**view, jobs_.outstanding(**view));
}

Result<std::unique_ptr<PreparedCopy>> LvmStore::prepare_empty(const Uuid& id,
                                                              std::uint64_t size_bytes) {
  LvRecord record;
  record.object = {ObjectKind::volume, id};
  record.size_bytes = size_bytes;
  record.stage = LvStage::zeroing;
  return prepare(record);
}

Result<std::unique_ptr<PreparedCopy>> LvmStore::prepare_volume(const Uuid& id,
                                                               std::uint64_t size_bytes,
                                                               const ObjectRef& source) {
  LvRecord record;
  record.object = {ObjectKind::volume, id};
  record.size_bytes = size_bytes;
  record.source = source;
  record.stage = LvStage::copying;
  return prepare(record);
}

Result<std::unique_ptr<PreparedCopy>> LvmStore::prepare(const LvRecord& record) {
  std::uint64_t lv_bytes = 0;
  std::uint64_t copy_bytes = 0;
  const auto allow = [&](const GroupView& view, std::uint64_t others) -> Result<std::uint64_t> {
    if (record.source) {
      auto from = find_source(view, *record.source);
      if (!from) return fail(from.error());
      if (auto fits = check_fits(record.size_bytes, *from); !fits) return fail(fits.error());
      copy_bytes = view.group.round_up(from->record.size_bytes);
    }
    lv_bytes = view.group.round_up(record.size_bytes);
    if (auto room = check_room(view, others, lv_bytes); !room) return fail(room.error());
    return lv_bytes;
  };
  auto ticket = begin(record.object.id, allow);
  if (!ticket) return fail(ticket.error());
  Pace& pace = record.source ? copying_ : wiping_;
  return std::make_unique<LvmMaking>(
      LvmMaking::Plan{*group_, wipes_, pace, record, lv_bytes, copy_bytes}, std::move(*ticket));
}

Result<std::unique_ptr<PreparedCopy>> LvmStore::prepare_snapshot(const Uuid& id,
                                                                 const Uuid& volume) {
  LvRecord record;
  record.object = {ObjectKind::snapshot, id};
  record.of = volume;
  std::uint64_t room_bytes = 0;
  const auto allow = [&](const GroupView& view, std::uint64_t others) -> Result<std::uint64_t> {
    auto from = find_source(view, {ObjectKind::volume, volume});
    if (!from) return fail(from.error());
    // lvm extends no LV that has snapshots while somebody uses it.
    if (find_growth(view, volume) || from->record.stage == LvStage::growing) {
      return fail(ErrorCode::overloaded, record.of->str() + " is being made larger; ask again");
    }
    record.size_bytes = from->record.size_bytes;
    room_bytes = options_.snapshots.first_bytes(view.group, from->lv.size_bytes);
    const auto promised = options_.snapshots.promised_bytes(view.group, from->lv.size_bytes);
    if (auto room = check_room(view, others, promised); !room) return fail(room.error());
    return promised;
  };
  auto ticket = begin(id, allow);
  if (!ticket) return fail(ticket.error());
  auto command =
      group_->commands().create_snapshot(lv_name(volume), lv_name(id), room_bytes, tags_of(record));
  const auto discard = [this](LvmObject& half) { return give_up(*group_, wipes_, half); };
  return std::make_unique<LvmOneCommand>(*group_, record, std::move(command), discard,
                                         std::move(*ticket));
}

}  // namespace vbs::volume_delegate
