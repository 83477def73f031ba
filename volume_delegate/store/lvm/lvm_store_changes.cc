// LvmStore: growing, removing and tidying up.

#include <algorithm>
#include <set>
#include <utility>

#include "common/log.h"
#include "volume_delegate/store/lvm/lvm_erasing.h"
#include "volume_delegate/store/lvm/lvm_store.h"

namespace vbs::volume_delegate {
namespace {

/// What is small is gone, or has grown, by the first answer.
constexpr Milliseconds kScrubWait{1'500};

bool is_growing(const GroupView& view, const LvmObject& volume) {
  return volume.record.stage == LvStage::growing ||
         find_growth(view, volume.record.object.id).has_value();
}

}  // namespace

Result<Growth> LvmStore::grow_volume(const Uuid& id, std::uint64_t size_bytes) {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  const auto object = volume_in(**view, id);
  if (!object) return fail(object.error());
  if (object->record.size_bytes > size_bytes) return cannot_shrink(id, object->record.size_bytes);
  if (is_growing(**view, *object)) {
    const auto failure = growths_.failure(id);
    growths_.add(id, object->lv.size_bytes);
    if (failure && !is_transient(failure->code)) return fail(*failure);
    return how_far_grown(id, size_bytes);
  }
  if (object->record.size_bytes == size_bytes) return Growth{};
  if (auto begun = begin_growth(id, size_bytes); !begun) return fail(begun.error());
  growths_.add(id, object->lv.size_bytes);
  growths_.wait(id, kScrubWait);
  return how_far_grown(id, size_bytes);
}

Result<void> LvmStore::begin_growth(const Uuid& id, std::uint64_t size_bytes) {
  std::uint64_t room_bytes = 0;
  std::optional<LvmObject> object;
  const auto allow = [&](const LvmJobs::Outstanding& others) -> Result<std::uint64_t> {
    auto view = group_->look_or_give_up();
    if (!view) return fail(view.error());
    auto found = volume_in(**view, id);
    if (!found) return fail(found.error());
    object = std::move(*found);
    const auto& lv = object->lv;
    // lvm resizes an origin only while nobody has it.
    if (const auto* other = find_dependent(**view, lv)) return needed_by(lv, *other);
    if (auto ok = check_has_no_surplus(*object, (*view)->group); !ok) return fail(ok.error());
    if (auto room = check_metadata_room(**view); !room) return fail(room.error());
    const std::uint64_t lv_bytes = (*view)->group.round_up(size_bytes);
    room_bytes = lv_bytes - lv.size_bytes;
    if (auto room = check_room(**view, others(**view), room_bytes); !room)
      return fail(room.error());
    return lv_bytes;
  };
  const auto ticket = jobs_.begin(id, allow);
  if (!ticket) return fail(ticket.error());
  if (room_bytes > 0) return growth_.begin(id, size_bytes, room_bytes);
  LvRecord grown = object->record;  // its last extent has room for it
  grown.size_bytes = size_bytes;
  return change_record(*group_, *object, grown);
}

Result<Growth> LvmStore::how_far_grown(const Uuid& id, std::uint64_t size_bytes) {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  const auto object = volume_in(**view, id);
  if (!object) return fail(object.error());
  const auto failure = growths_.failure(id);
  const bool hopeless = failure && !is_transient(failure->code);
  if (hopeless) return fail(*failure);
  const std::uint64_t has = object->record.size_bytes;
  if (is_growing(**view, *object)) {
    const auto room = find_growth(**view, id);
    const std::uint64_t wanted = room ? room->record.size_bytes : object->record.grow_to_bytes;
    const std::uint64_t zeroed = !room || room->record.zeroed
                                     ? wanted - has
                                     : std::max(room->record.progress_bytes, growths_.progress(id));
    return Growth{false, wanted, std::min(has + zeroed, wanted)};
  }
  if (has == size_bytes) return Growth{};
  if (failure) return fail(*failure);
  return fail(ErrorCode::overloaded, "volume " + id.str() + " did not grow; ask again");
}

Result<Removal> LvmStore::remove(const ObjectRef& target) {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  const auto object = find_object(**view, target.id);
  if (!object) return how_far_removed(target);  // the room that it was to grow by may be there
  if (object->record.object != target) return Removal{};
  if (object->record.on_its_way_out()) {
    wipes_.add(target.id, object->lv.size_bytes);
    return how_far_removed(target);
  }
  if (const auto* other = find_dependent(**view, object->lv)) return needed_by(object->lv, *other);
  if (auto free = check_is_not_open(*object); !free) return fail(free.error());
  if (auto marked = mark_deleted(target); !marked) return fail(marked.error());
  if (is_growing(**view, *object)) {
    growths_.interrupt(target.id);
    growths_.add(target.id, 0);  // its room goes
  }
  wipes_.wait(target.id, kScrubWait);
  return how_far_removed(target);
}

Result<void> LvmStore::mark_deleted(const ObjectRef& target) {
  // Extents may just be added to it; nothing else begins as long as this is a job.
  const auto ticket = jobs_.begin(target.id, [](const LvmJobs::Outstanding&) {
    return Result<std::uint64_t>(std::uint64_t{0});
  });
  if (!ticket) return fail(ticket.error());
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  auto object = find_object(**view, target.id);
  if (!object || object->record.object != target) return {};
  if (const auto* other = find_dependent(**view, object->lv)) return needed_by(object->lv, *other);
  return give_up(*group_, wipes_, *object);
}

Result<Removal> LvmStore::how_far_removed(const ObjectRef& target) {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  const auto object = find_object(**view, target.id);
  if (!object) {
    const auto room = find_growth(**view, target.id);
    return room ? Removal{false, room->lv.size_bytes, 0} : Removal{};
  }
  return Removal{false, object->lv.size_bytes,
                 std::max(object->record.progress_bytes, wipes_.progress(target.id))};
}

Result<Removal> LvmStore::remove_volume(const Uuid& id) {
  return remove({ObjectKind::volume, id});
}
Result<Removal> LvmStore::remove_snapshot(const Uuid& id) {
  return remove({ObjectKind::snapshot, id});
}

std::string LvmStore::look_after(const GroupView& view) {
  // First what cannot wait: a snapshot that fills up while LVs are removed is lost.
  std::uint64_t granted = 0;
  std::string trouble = keeper_.look_after(view, [&](std::uint64_t bytes) {
    const bool left = check_room(view, jobs_.outstanding(view) + granted, bytes).has_value();
    granted += left ? bytes : 0;
    return left;
  });
  const auto note = [&](std::string other) {
    if (trouble.empty()) trouble = std::move(other);
  };
  note(activate_volumes(view));
  tidy_all(view);
  for (const auto& object : objects_of(view)) {
    const bool may_tell =
        object.record.stage == LvStage::whole && object.record.object.kind == ObjectKind::volume;
    const auto ok = may_tell ? check_has_no_surplus(object, view.group) : Result<void>{};
    if (!ok) note(ok.error().message);
  }
  note(growths_.trouble());
  note(wipes_.trouble());
  return trouble;
}

void LvmStore::tidy_all(const GroupView& view) {
  std::set<Uuid> under_way;
  for (const auto& object : objects_of(view)) {
    tidy(object);
    if (object.record.stage != LvStage::whole) under_way.insert(object.record.object.id);
  }
  for (const auto& lv : view.volumes) {
    const auto room = read_growth(lv);
    if (!room) continue;
    under_way.insert(room->volume);
    if (!jobs_.contains(room->volume)) growths_.add(room->volume, lv.size_bytes);
  }
  growths_.keep_failures(under_way);
  wipes_.keep_failures(under_way);
}

void LvmStore::tidy(const LvmObject& seen) {
  const Uuid& id = seen.record.object.id;
  if (jobs_.contains(id)) return;
  if (seen.record.on_its_way_out()) return wipes_.add(id, seen.lv.size_bytes);
  if (seen.record.stage == LvStage::growing) return growths_.add(id, seen.lv.size_bytes);
  if (seen.usable()) return;
  // Its job may have ended since that look. Now it has none, and no other can begin while its name
  // is taken: a second look tells for sure.
  auto view = group_->look();
  auto object = view ? find_object(**view, id) : std::nullopt;
  if (!object || object->usable() || object->record.on_its_way_out()) return;
  log::info("removing what was left half-made", {{"lv", object->lv.name}});
  if (auto ok = discard(*group_, wipes_, *object); !ok) {
    log::warning("cannot remove it", {{"lv", object->lv.name}, {"error", describe(ok.error())}});
  }
}

bool LvmStore::is_known(const LogicalVolume& lv) const {
  return read_growth(lv).has_value();
}

}  // namespace vbs::volume_delegate
