#include "volume_delegate/store/lvm/lvm_growth.h"

#include <utility>

#include "common/fault_point.h"
#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::chrono::minutes kCommandsOutliveUs{3};

}  // namespace

Result<void> check_has_no_surplus(const LvmObject& object, const GroupSize& group) {
  const std::uint64_t own = group.round_up(object.record.size_bytes);
  if (object.lv.size_bytes <= own) return {};
  return fail(ErrorCode::conflict, "LV " + object.lv.name + " has " +
                                       std::to_string(object.lv.size_bytes - own) +
                                       " bytes more than " + object.record.object.str() +
                                       ", which were not zeroed by VBS; `lvreduce --size " +
                                       std::to_string(own) + "b` it");
}

Result<void> LvmGrowth::begin(const Uuid& volume, std::uint64_t size_bytes,
                              std::uint64_t room_bytes) {
  const std::string name = growth_name(volume);
  auto made = group_.change(group_.commands().create_linear(
      name, room_bytes, tags_of(GrowthRecord{volume, size_bytes, false, 0})));
  if (made) {
    fault_point("volumed.grow.after_create");
    return {};
  }
  auto view = group_.look();
  if (view && find_growth(**view, volume)) {
    if (auto ok = group_.change(group_.commands().remove(name)); !ok) {
      log::warning("room for a growth is left", {{"lv", name}, {"error", describe(ok.error())}});
    }
  }
  return made;
}

Result<void> LvmGrowth::go_on(const Uuid& volume, CopyControl& control) {
  auto view = group_.look();
  if (!view) return fail(view.error());
  const auto object = find_object(**view, volume);
  auto room = find_growth(**view, volume);
  if (!room) {
    if (!object || object->record.stage != LvStage::growing) return {};
    // The former process may have been killed while its lvextend waited for the group's lock, where
    // it still is.
    const bool extended =
        object->lv.size_bytes > (*view)->group.round_up(object->record.size_bytes);
    if (!extended && clock_.monotonic() - began_ < kCommandsOutliveUs) return {};
    return as_job(volume, [&]() -> Result<void> {
      auto end = settle(volume);
      return end ? Result<void>{} : fail(end.error());
    });
  }
  const bool wanted = object && object->usable() &&
                      object->record.object.kind == ObjectKind::volume &&
                      object->record.size_bytes < room->record.size_bytes;
  if (!wanted) return remove_alone(group_, room->lv.name);
  if (!room->record.zeroed) {
    if (auto ok = zero(*room, control); !ok) return ok;
  }
  return as_job(volume, [&] { return take_over(volume); });
}

Result<void> LvmGrowth::as_job(const Uuid& volume, const std::function<Result<void>()>& act) {
  const auto ticket = jobs_.begin(
      volume, [](const LvmJobs::Outstanding&) { return Result<std::uint64_t>(std::uint64_t{0}); });
  if (!ticket) return fail(ticket.error());
  return act();
}

Result<void> LvmGrowth::zero(LvmGrowthRoom& room, CopyControl& control) {
  auto device = open_device(group_, room.lv.name, BlockDevice::Use::write_alone);
  if (!device) return fail(device.error());
  const auto change = [&](const GrowthRecord& to) -> Result<void> {
    auto changed =
        group_.change(group_.commands().change_tags(room.lv.name, change_of(room.record, to)));
    if (changed) room.record = to;
    return changed;
  };
  control.copied_bytes = room.record.progress_bytes;
  auto zeroed = zero_range(*device, room.record.progress_bytes, room.lv.size_bytes, pace_, control,
                           [&](std::uint64_t offset) {
                             GrowthRecord further = room.record;
                             further.progress_bytes = offset;
                             return change(further);
                           });
  if (!zeroed) return zeroed;
  GrowthRecord done = room.record;
  done.zeroed = true;
  done.progress_bytes = 0;
  return change(done);
}

Result<void> LvmGrowth::take_over(const Uuid& volume) {
  auto view = group_.look();
  if (!view) return fail(view.error());
  auto object = find_object(**view, volume);
  const auto room = find_growth(**view, volume);
  if (!object || !object->usable() || !room || !room->record.zeroed) return {};
  const auto extended = extend(*object, *room, **view);
  // Whatever lvm says of it: it may have done more, or less.
  const auto end = settle(volume);
  if (!end) return fail(end.error());
  if (*end == End::grown) return {};
  if (*end == End::open) return extended;
  return fail(ErrorCode::overloaded,
              object->record.object.str() + " did not get the extents that were zeroed for it (" +
                  (extended ? "others were added" : extended.error().message) + "); ask again");
}

Result<void> LvmGrowth::extend(LvmObject& object, const LvmGrowthRoom& room,
                               const GroupView& view) {
  if (const auto* other = find_dependent(view, object.lv)) return needed_by(object.lv, *other);
  if (auto ok = check_has_no_surplus(object, view.group); !ok) return ok;
  const auto own = extents_behind(object.lv, 0, view.group);
  if (!own) return fail(own.error());  // of another kind: what it gets could not be told either
  const auto extents = extents_behind(room.lv, 0, view.group);
  if (!extents) return fail(extents.error());
  LvRecord growing = object.record;
  growing.stage = LvStage::growing;
  growing.grow_to_bytes = room.record.size_bytes;
  growing.onto = mark_of(*extents);
  if (auto ok = change_record(group_, object, growing); !ok) return ok;
  fault_point("volumed.grow.before_act");
  const auto& commands = group_.commands();
  auto done = group_.change_in_one_go(
      {commands.remove_without_discard(room.lv.name),
       commands.extend(object.lv.name, object.lv.size_bytes + room.lv.size_bytes, *extents)});
  fault_point("volumed.grow.after_act");
  return done;
}

Result<LvmGrowth::End> LvmGrowth::settle(const Uuid& volume) {
  auto view = group_.look();
  if (!view) return fail(view.error());
  auto object = find_object(**view, volume);
  if (!object || object->record.stage != LvStage::growing) return End::open;
  if (find_growth(**view, volume)) return End::open;
  const auto& group = (*view)->group;
  LvRecord whole = object->record;
  whole.stage = LvStage::whole;
  whole.progress_bytes = 0;
  whole.grow_to_bytes = 0;
  whole.onto.clear();
  const std::uint64_t own = group.round_up(object->record.size_bytes);
  const auto added = extents_behind(object->lv, own, group);
  if (!added) return fail(added.error());
  const bool got_them = object->lv.size_bytes == group.round_up(object->record.grow_to_bytes) &&
                        mark_of(*added) == object->record.onto;
  if (got_them) whole.size_bytes = object->record.grow_to_bytes;
  if (auto ok = change_record(group_, *object, whole); !ok) return fail(ok.error());
  return got_them ? End::grown : End::kept_its_size;
}

}  // namespace vbs::volume_delegate
