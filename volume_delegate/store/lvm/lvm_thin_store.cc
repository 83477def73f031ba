#include "volume_delegate/store/lvm/lvm_thin_store.h"

#include <algorithm>
#include <utility>

#include "common/fault_point.h"
#include "common/log.h"
#include "common/units.h"
#include "volume_delegate/store/lvm/lvm_making.h"

namespace vbs::volume_delegate {

/// A copy that is larger than its source takes several commands, and is an object after the last.
class LvmThinStore::Cloning final : public PreparedCopy {
 public:
  Cloning(VolumeGroup& group, LvRecord record, Arguments clone, std::uint64_t lv_bytes,
          LvmJobs::Ticket ticket)
      : group_(group),
        record_(std::move(record)),
        clone_(std::move(clone)),
        lv_bytes_(lv_bytes),
        ticket_(std::move(ticket)) {}

  std::uint64_t size_bytes() const override { return record_.size_bytes; }
  bool at_once() const override { return true; }

  Result<void> run(CopyControl& control) override {
    auto done = make();
    if (done) {
      control.copied_bytes = record_.size_bytes;
    } else {
      clean_up();
    }
    ticket_.end();
    return done;
  }

 private:
  Result<void> make() {
    const std::string name = lv_name(record_.object.id);
    fault_point("volumed.copy.before_act");
    if (auto ok = group_.change(clone_); !ok) return ok;
    fault_point("volumed.copy.after_create");
    if (auto ok = group_.change(group_.commands().extend(name, lv_bytes_)); !ok) return ok;
    fault_point("volumed.copy.after_act");
    LvRecord whole = record_;
    whole.stage = LvStage::whole;
    return group_.change(group_.commands().change_tags(name, change_of(record_, whole)));
  }
  void clean_up() {
    auto view = group_.look();
    auto object = view ? find_object(**view, record_.object.id) : std::nullopt;
    if (!object || !object->record.unfinished()) return;
    if (auto ok = remove_alone(group_, object->lv.name); !ok) {
      log::warning("what was half-made is left for the next look",
                   {{"lv", object->lv.name}, {"error", describe(ok.error())}});
    }
  }

  VolumeGroup& group_;
  const LvRecord record_;
  const Arguments clone_;
  const std::uint64_t lv_bytes_;
  LvmJobs::Ticket ticket_;
};

LvmThinStore::LvmThinStore(LvmThinOptions options, std::unique_ptr<VolumeGroup> group, Clock& clock)
    : LvmStoreBase(std::move(group), clock), pool_(std::move(options.pool), clock) {}

Result<std::unique_ptr<LvmThinStore>> LvmThinStore::open(LvmThinOptions options,
                                                         std::unique_ptr<VolumeGroup> group,
                                                         Clock& clock) {
  auto view = group->look();
  if (!view) return fail(view.error());
  const ThinPoolOptions pool = options.pool;
  if (auto ok = check_no_other_driver(**view, pool.name); !ok) return fail(ok.error());
  if ((*view)->find(pool.name) == nullptr && pool.size_bytes > 0) {
    const std::uint64_t promised = pool.size_bytes / 100 * std::max(100u, pool.overcommit_percent);
    auto made = group->change(group->commands().create_pool(pool.name, pool.size_bytes,
                                                            ThinPool::metadata_for(promised)));
    if (!made) return fail(made.error());
    log::info("made a thin pool", {{"lv", pool.name}, {"size", format_size(pool.size_bytes)}});
    view = group->look();
    if (!view) return fail(view.error());
  }
  std::unique_ptr<LvmThinStore> store(
      new LvmThinStore(std::move(options), std::move(group), clock));
  if (auto found = store->pool_.find(**view); !found) return fail(found.error());
  return store;
}

Result<StoreSpace> LvmThinStore::space() {
  auto view = view_for_space();
  if (!view) return fail(view.error());
  return pool_.space(**view, jobs_.outstanding(**view));
}

std::unique_ptr<PreparedCopy> LvmThinStore::one_command(LvRecord record, Arguments command,
                                                        LvmJobs::Ticket ticket) {
  const auto discard = [this](LvmObject& half) { return remove_alone(*group_, half.lv.name); };
  return std::make_unique<LvmOneCommand>(*group_, std::move(record), std::move(command), discard,
                                         std::move(ticket));
}

Result<std::unique_ptr<PreparedCopy>> LvmThinStore::prepare_empty(const Uuid& id,
                                                                  std::uint64_t size_bytes) {
  LvRecord record;
  record.object = {ObjectKind::volume, id};
  record.size_bytes = size_bytes;
  std::uint64_t lv_bytes = 0;
  auto ticket =
      begin(id, [&](const GroupView& view, std::uint64_t others) -> Result<std::uint64_t> {
        lv_bytes = view.group.round_up(size_bytes);
        if (auto room = pool_.admit(view, others, lv_bytes); !room) return fail(room.error());
        return lv_bytes;
      });
  if (!ticket) return fail(ticket.error());
  auto command =
      group_->commands().create_thin(pool_.name(), lv_name(id), lv_bytes, tags_of(record));
  return one_command(std::move(record), std::move(command), std::move(*ticket));
}

Result<void> LvmThinStore::check_rests(const LvmObject& source) const {
  if (source.lv.pool == pool_.name() || !source.lv.active) return {};
  return fail(Error{ErrorCode::conflict,
                    source.record.object.str() +
                        " is active, and lvm makes no thin volume over what is: `lvchange "
                        "--activate n` LV " +
                        source.lv.name,
                    "source",
                    {},
                    {}});
}

Result<std::unique_ptr<PreparedCopy>> LvmThinStore::prepare_volume(const Uuid& id,
                                                                   std::uint64_t size_bytes,
                                                                   const ObjectRef& source) {
  LvRecord record;
  record.object = {ObjectKind::volume, id};
  record.size_bytes = size_bytes;
  record.source = source;
  LogicalVolume from;
  std::uint64_t lv_bytes = 0;
  auto ticket =
      begin(id, [&](const GroupView& view, std::uint64_t others) -> Result<std::uint64_t> {
        auto found = find_source(view, source);
        if (!found) return fail(found.error());
        if (auto fits = check_fits(size_bytes, *found); !fits) return fail(fits.error());
        if (auto rests = check_rests(*found); !rests) return fail(rests.error());
        from = found->lv;
        lv_bytes = view.group.round_up(size_bytes);
        if (auto room = pool_.admit(view, others, lv_bytes); !room) return fail(room.error());
        return lv_bytes;
      });
  if (!ticket) return fail(ticket.error());
  const bool larger = lv_bytes > from.size_bytes;
  if (larger) record.stage = LvStage::copying;
  const auto& commands = group_->commands();
  // Within the pool it shares blocks; from elsewhere it is read where nothing is written yet.
  auto command =
      from.pool != pool_.name()
          ? commands.create_over_image(pool_.name(), from.name, lv_name(id), tags_of(record))
          : commands.create_thin_clone(from.name, lv_name(id), tags_of(record));
  if (larger) {
    return std::make_unique<Cloning>(*group_, record, std::move(command), lv_bytes,
                                     std::move(*ticket));
  }
  return one_command(std::move(record), std::move(command), std::move(*ticket));
}

Result<std::unique_ptr<PreparedCopy>> LvmThinStore::prepare_snapshot(const Uuid& id,
                                                                     const Uuid& volume) {
  LvRecord record;
  record.object = {ObjectKind::snapshot, id};
  record.of = volume;
  auto ticket =
      begin(id, [&](const GroupView& view, std::uint64_t others) -> Result<std::uint64_t> {
        auto from = find_source(view, {ObjectKind::volume, volume});
        if (!from) return fail(from.error());
        record.size_bytes = from->record.size_bytes;
        auto room = pool_.admit(view, others, from->lv.size_bytes);
        if (!room) return fail(room.error());
        return from->lv.size_bytes;
      });
  if (!ticket) return fail(ticket.error());
  auto command =
      group_->commands().create_thin_snapshot(lv_name(volume), lv_name(id), tags_of(record));
  return one_command(std::move(record), std::move(command), std::move(*ticket));
}

Result<Growth> LvmThinStore::grow_volume(const Uuid& id, std::uint64_t size_bytes) {
  std::uint64_t lv_bytes = 0;
  std::optional<LvmObject> object;
  const auto allow = [&](const LvmJobs::Outstanding& others) -> Result<std::uint64_t> {
    auto view = group_->look_or_give_up();
    if (!view) return fail(view.error());
    auto found = volume_in(**view, id);
    if (!found) return fail(found.error());
    object = std::move(*found);
    const std::uint64_t has = object->record.size_bytes;
    if (has > size_bytes) return cannot_shrink(id, has);
    lv_bytes = (*view)->group.round_up(size_bytes);
    if (lv_bytes <= object->lv.size_bytes) return lv_bytes;
    if (auto room = check_metadata_room(**view); !room) return fail(room.error());
    auto room = pool_.admit(**view, others(**view), lv_bytes - object->lv.size_bytes);
    if (!room) return fail(room.error());
    return lv_bytes;
  };
  const auto ticket = jobs_.begin(id, allow);
  if (!ticket) return fail(ticket.error());
  if (object->record.size_bytes == size_bytes) return Growth{};
  if (lv_bytes > object->lv.size_bytes) {
    fault_point("volumed.grow.before_act");
    auto ok = group_->change(group_->commands().extend(object->lv.name, lv_bytes));
    if (!ok) return fail(ok.error());
    fault_point("volumed.grow.after_act");
  }
  // Its size is what the tag says: a crash before this leaves the old one.
  LvRecord grown = object->record;
  grown.size_bytes = size_bytes;
  if (auto ok = change_record(*group_, *object, grown); !ok) return fail(ok.error());
  return Growth{};
}

Result<Removal> LvmThinStore::remove(const ObjectRef& target) {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  auto object = find_object(**view, target.id);
  if (!object || object->record.object != target) return Removal{};
  if (jobs_.contains(target.id)) {
    return fail(ErrorCode::conflict, target.str() + " is being made or changed");
  }
  if (const auto* other = find_dependent(**view, object->lv)) return needed_by(object->lv, *other);
  if (auto free = check_is_not_open(*object); !free) return fail(free.error());
  fault_point("volumed.remove.before_act");
  auto removed = remove_alone(*group_, object->lv.name);
  if (!removed) return fail(removed.error());
  fault_point("volumed.remove.after_act");
  return Removal{};
}

Result<Removal> LvmThinStore::remove_volume(const Uuid& id) {
  return remove({ObjectKind::volume, id});
}
Result<Removal> LvmThinStore::remove_snapshot(const Uuid& id) {
  return remove({ObjectKind::snapshot, id});
}

std::uint64_t LvmThinStore::allocated_bytes(const LogicalVolume& lv) const {
  const double share = lv.data_percent.value_or(0) / 100;
  return static_cast<std::uint64_t>(static_cast<double>(lv.size_bytes) * share);
}

bool LvmThinStore::is_known(const LogicalVolume& lv) const {
  return lv.name == pool_.name();
}

std::string LvmThinStore::look_after(const GroupView& view) {
  for (const auto& object : objects_of(view)) tidy(object);
  auto inactive = activate_volumes(view);
  auto warning = pool_.warning(view);
  return warning.empty() ? inactive : warning;
}

void LvmThinStore::tidy(const LvmObject& seen) {
  const Uuid& id = seen.record.object.id;
  if (seen.usable() || jobs_.contains(id)) return;
  // Its job may have ended since that look. Now it has none, and no other can begin while its name
  // is taken: a second look tells for sure.
  auto view = group_->look();
  auto object = view ? find_object(**view, id) : std::nullopt;
  if (!object || object->usable()) return;
  log::info("removing what was left half-made", {{"lv", object->lv.name}});
  if (auto ok = remove_alone(*group_, object->lv.name); !ok) {
    log::warning("cannot remove it", {{"lv", object->lv.name}, {"error", describe(ok.error())}});
  }
}

}  // namespace vbs::volume_delegate
