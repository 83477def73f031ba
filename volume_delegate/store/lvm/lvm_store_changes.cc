// LvmStore: growing, removing and tidying up.

#include <utility>

#include "common/fault_point.h"
#include "common/log.h"
#include "volume_delegate/store/lvm/lvm_making.h"
#include "volume_delegate/store/lvm/lvm_store.h"

namespace vbs::volume_delegate {
namespace {

/// What is small is gone, or has grown, by the first answer.
constexpr Milliseconds kScrubWait{1'500};

/// An LV that has this object as its origin, whoever made it.
const LogicalVolume* find_dependent(const GroupView& view, const LvmObject& object) {
  for (const auto& lv : view.volumes) {
    if (lv.origin == object.lv.name) return &lv;
  }
  return nullptr;
}

tl::unexpected<Error> needed_by(const LvmObject& object, const LogicalVolume& other) {
  return fail(ErrorCode::conflict, object.record.object.str() + " is the origin of LV " +
                                       other.name + "; delete that first");
}

}  // namespace

Result<void> LvmStore::grow_volume(const Uuid& id, std::uint64_t size_bytes) {
  auto grown = [&]() -> Result<bool> {
    auto view = group_->look();
    if (!view) return fail(view.error());
    auto object = find_object(**view, id);
    if (!object || !object->usable() || object->record.object.kind != ObjectKind::volume) {
      return fail(ErrorCode::not_found, "there is no volume " + id.str() + " on this server");
    }
    if (object->record.size_bytes > size_bytes) return cannot_shrink(id, object->record.size_bytes);
    if (object->record.stage == LvStage::growing) return false;
    if (object->record.size_bytes == size_bytes) return true;
    if (auto begun = begin_growth(*object, size_bytes); !begun) return fail(begun.error());
    return false;
  };
  auto done = grown();
  if (!done) return fail(done.error());
  if (*done) return {};
  scrubber_.add(id);
  scrubber_.wait(id, kScrubWait);
  auto view = group_->look();
  if (!view) return fail(view.error());
  const auto object = find_object(**view, id);
  if (object && object->usable() && object->record.size_bytes == size_bytes) return {};
  return fail(ErrorCode::overloaded, "what is new of volume " + id.str() +
                                         " is being zeroed, up to byte " +
                                         std::to_string(scrubber_.progress(id)) + "; ask again");
}

Result<void> LvmStore::begin_growth(LvmObject& object, std::uint64_t size_bytes) {
  const Uuid& id = object.record.object.id;
  std::uint64_t lv_bytes = 0;
  LvRecord growing = object.record;
  growing.stage = LvStage::growing;
  growing.grow_to_bytes = size_bytes;
  const auto allow = [&](const LvmJobs::Outstanding& others) -> Result<std::uint64_t> {
    auto view = group_->look();
    if (!view) return fail(view.error());
    if (const auto* other = find_dependent(**view, object)) {
      // lvm resizes an origin only while nobody has it.
      return needed_by(object, *other);
    }
    lv_bytes = (*view)->group.round_up(size_bytes);
    // What lies beyond the size that it had is not its own, whatever extents it has.
    growing.progress_bytes = (*view)->group.round_up(object.record.size_bytes);
    if (lv_bytes <= object.lv.size_bytes) return lv_bytes;
    auto room = check_room(**view, others(**view), lv_bytes - object.lv.size_bytes);
    if (!room) return fail(room.error());
    return lv_bytes;
  };
  auto ticket = jobs_.begin(id, allow);
  if (!ticket) return fail(ticket.error());
  if (auto ok = change_record(*group_, object, growing); !ok) return ok;
  fault_point("volumed.grow.before_act");
  if (lv_bytes > object.lv.size_bytes) {
    if (auto ok = group_->change(group_->commands().extend(object.lv.name, lv_bytes)); !ok) {
      scrubber_.add(id);  // back to the size that it had
      return ok;
    }
  }
  fault_point("volumed.grow.after_act");
  return {};
}

Result<Removal> LvmStore::remove(const ObjectRef& target) {
  auto view = group_->look();
  if (!view) return fail(view.error());
  auto object = find_object(**view, target.id);
  if (!object || object->record.object != target) return Removal{};
  if (!object->record.on_its_way_out()) {
    if (jobs_.contains(target.id)) {
      return fail(ErrorCode::conflict, target.str() + " is being made or changed");
    }
    if (const auto* other = find_dependent(**view, *object)) return needed_by(*object, *other);
    if (auto free = check_is_not_open(*object); !free) return fail(free.error());
    if (auto given = give_up(*group_, scrubber_, *object); !given) return fail(given.error());
  } else {
    scrubber_.add(target.id);
  }
  scrubber_.wait(target.id, kScrubWait);
  auto after = group_->look();
  if (!after) return fail(after.error());
  if (!find_object(**after, target.id)) return Removal{};
  return Removal{false, object->lv.size_bytes, scrubber_.progress(target.id)};
}

Result<Removal> LvmStore::remove_volume(const Uuid& id) {
  return remove({ObjectKind::volume, id});
}
Result<Removal> LvmStore::remove_snapshot(const Uuid& id) {
  return remove({ObjectKind::snapshot, id});
}

void LvmStore::look_after(const GroupView& view) {
  for (const auto& object : objects_of(view)) tidy(object);
  activate_volumes(view);
  set_warning(keeper_.look_after(view, [&](std::uint64_t bytes) {
    return check_room(view, jobs_.outstanding(view), bytes).has_value();
  }));
}

void LvmStore::tidy(const LvmObject& seen) {
  const Uuid& id = seen.record.object.id;
  if (jobs_.contains(id)) return;
  if (seen.record.on_its_way_out() || seen.record.stage == LvStage::growing) {
    return scrubber_.add(id);
  }
  const auto is_half_made = [](const LvmObject& object) {
    return !object.record.on_its_way_out() && !object.usable();
  };
  if (!is_half_made(seen)) return;
  // Its job may have ended since that look. Now it has none, and no other can begin while its name
  // is taken: a second look tells for sure.
  auto view = group_->look();
  auto object = view ? find_object(**view, id) : std::nullopt;
  if (!object || !is_half_made(*object)) return;
  log::info("removing what was left half-made", {{"lv", object->lv.name}});
  if (auto ok = discard(*group_, scrubber_, *object); !ok) {
    log::warning("cannot remove it", {{"lv", object->lv.name}, {"error", describe(ok.error())}});
  }
}

}  // namespace vbs::volume_delegate
