#include "volume_delegate/store/lvm/lvm_making.h"

#include <utility>

#include "common/fault_point.h"
#include "common/log.h"
#include "volume_delegate/store/lvm/lvm_erasing.h"
#include "volume_delegate/store/lvm/lvm_snapshots.h"

namespace vbs::volume_delegate {

LvmMaking::LvmMaking(Plan plan, LvmJobs::Ticket ticket)
    : plan_(std::move(plan)), ticket_(std::move(ticket)) {}

Result<void> LvmMaking::run(CopyControl& control) {
  const auto& commands = plan_.group.commands();
  const std::string name = lv_name(plan_.record.object.id);
  fault_point("volumed.copy.before_act");
  auto done =
      plan_.group.change(commands.create_linear(name, plan_.lv_bytes, tags_of(plan_.record)));
  if (done) {
    fault_point("volumed.copy.after_create");
    done = fill(control);
  }
  if (done) {
    fault_point("volumed.copy.after_act");
    LvRecord whole = plan_.record;
    whole.stage = LvStage::whole;
    done = plan_.group.change(commands.change_tags(name, change_of(plan_.record, whole)));
  }
  if (!done) clean_up();
  ticket_.end();
  return done;
}

Result<LvmObject> LvmMaking::check_source() {
  auto view = plan_.group.look();
  if (!view) return fail(view.error());
  const ObjectRef& source = *plan_.record.source;
  auto object = find_source(**view, source);
  if (object || source.kind != ObjectKind::snapshot) return object;
  // Whoever looks next must see that it is lost, whatever the kernel says then.
  auto snapshot = find_object(**view, source.id);
  if (snapshot && snapshot->lv.invalid) {
    if (auto marked = mark_lost(plan_.group, *snapshot); !marked) return fail(marked.error());
  }
  return object;
}

Result<void> LvmMaking::fill(CopyControl& control) {
  auto to =
      open_device(plan_.group, lv_name(plan_.record.object.id), BlockDevice::Use::write_alone);
  if (!to) return fail(to.error());
  if (plan_.copy_bytes > 0) {
    auto copied = copy(*to, control);
    if (!copied && control.cancelled) return copied;
    // An overflowed snapshot answers reads with errors, or with what its volume holds now.
    if (auto source = check_source(); !source) return fail(source.error());
    if (!copied) return copied;
  }
  return zero_range(*to, plan_.copy_bytes, plan_.lv_bytes, plan_.pace, control);
}

Result<void> LvmMaking::copy(const BlockDevice& to, CopyControl& control) {
  auto source = check_source();
  if (!source) return fail(source.error());
  auto from = open_device(plan_.group, source->lv.name, BlockDevice::Use::read);
  if (!from) return fail(from.error());
  return copy_range(*from, to, plan_.copy_bytes, plan_.pace, control);
}

void LvmMaking::clean_up() {
  const Uuid& id = plan_.record.object.id;
  auto view = plan_.group.look();
  auto object = view ? find_object(**view, id) : std::nullopt;
  if (!object || !object->record.unfinished()) return;
  if (auto ok = discard(plan_.group, plan_.wipes, *object); !ok) {
    log::warning("what was half-made is left for the next look",
                 {{"id", id.str()}, {"error", describe(ok.error())}});
  }
}

LvmOneCommand::LvmOneCommand(VolumeGroup& group, LvRecord record, Arguments command,
                             Discard discard, LvmJobs::Ticket ticket)
    : group_(group),
      record_(std::move(record)),
      command_(std::move(command)),
      discard_(std::move(discard)),
      ticket_(std::move(ticket)) {}

Result<void> LvmOneCommand::run(CopyControl& control) {
  fault_point("volumed.copy.before_act");
  auto done = group_.change(command_, VolumeGroup::Order::urgent);
  fault_point("volumed.copy.after_act");
  if (done) {
    control.copied_bytes = record_.size_bytes;
  } else {
    clean_up();
  }
  ticket_.end();
  return done;
}

void LvmOneCommand::clean_up() {
  // A command that failed or was killed may have made an LV, and even a whole object: nobody was
  // told of it, so it goes.
  auto view = group_.look();
  auto object = view ? find_object(**view, record_.object.id) : std::nullopt;
  if (!object || object->record.object != record_.object) return;
  if (object->record.on_its_way_out()) return;
  if (auto ok = discard_(*object); !ok) {
    log::warning("what was half-made is left for the next look",
                 {{"id", record_.object.id.str()}, {"error", describe(ok.error())}});
  }
}

}  // namespace vbs::volume_delegate
