#include "volume_delegate/store/lvm/lvm_store_base.h"

#include <thread>
#include <utility>

#include "common/log.h"

namespace vbs::volume_delegate {
namespace {

/// A snapshot of 1 GiB that has half of its room left fills in 2 s at 256 MiB a second.
constexpr Milliseconds kTendEvery{2'000};
constexpr int kLooksAtOpen = 5;
/// Of some 400 bytes an LV: for the marks of more than a thousand that are being removed.
constexpr std::uint64_t kMetadataKept = 64 << 10;
constexpr Milliseconds kBetweenLooks{1'000};

StoredSnapshot stored_snapshot(const LvmObject& object) {
  return {object.record.object.id, *object.record.of, object.record.size_bytes,
          object.record.lost || object.lv.invalid};
}

}  // namespace

LvmStoreBase::LvmStoreBase(std::unique_ptr<VolumeGroup> group, Clock& clock)
    : group_(std::move(group)), clock_(clock) {}

Result<StoreListing> LvmStoreBase::list() {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  StoreListing listing;
  for (const auto& lv : (*view)->volumes) {
    const auto record = read_record(lv);
    if (!record) {
      if (const auto image = read_offer(lv)) {
        listing.images.push_back({image->id, image->name, lv.size_bytes});
      } else if (!is_known(lv)) {
        listing.foreign.push_back(group_->name() + "/" + lv.name);
      }
      continue;
    }
    const LvmObject object{lv, *record};
    if (!object.usable()) continue;
    if (record->object.kind == ObjectKind::snapshot) {
      listing.snapshots.push_back(stored_snapshot(object));
    } else {
      listing.volumes.push_back(
          {record->object.id, record->size_bytes, allocated_bytes(lv), 0, record->source});
    }
  }
  return listing;
}

Result<VolumeGroup::View> LvmStoreBase::view_for_space() {
  auto view = group_->recent();
  if (view || view.error().code != ErrorCode::node_unavailable) return view;
  const auto last = group_->last_seen();
  return last ? Result<VolumeGroup::View>(last) : view;
}

Result<LvmObject> LvmStoreBase::volume_in(const GroupView& view, const Uuid& id) {
  auto object = find_object(view, id);
  if (!object || !object->usable() || object->record.object.kind != ObjectKind::volume) {
    return fail(ErrorCode::not_found, "there is no volume " + id.str() + " on this server");
  }
  return std::move(*object);
}

Result<StoredVolume> LvmStoreBase::find_volume(const Uuid& id) {
  auto view = group_->recent();
  if (!view) return fail(view.error());
  const auto object = volume_in(**view, id);
  if (!object) return fail(object.error());
  return StoredVolume{id, object->record.size_bytes, allocated_bytes(object->lv), 0,
                      object->record.source};
}

Result<StoredSnapshot> LvmStoreBase::find_snapshot(const Uuid& id) {
  auto view = group_->recent();
  if (!view) return fail(view.error());
  const auto object = find_object(**view, id);
  if (!object || !object->usable() || object->record.object.kind != ObjectKind::snapshot) {
    return fail(ErrorCode::not_found, "there is no snapshot " + id.str() + " on this server");
  }
  return stored_snapshot(*object);
}

Result<std::uint64_t> LvmStoreBase::source_size(const ObjectRef& source) {
  auto view = group_->look_or_give_up();
  if (!view) return fail(view.error());
  auto object = find_source(**view, source);
  if (!object) return fail(object.error());
  return object->record.size_bytes;
}

Result<void> LvmStoreBase::check_is_not_open(const LvmObject& object) {
  bool open = object.lv.open;
  for (int looks = 0; open && looks < kLooksAtOpen; ++looks) {
    std::this_thread::sleep_for(kBetweenLooks);
    auto view = group_->look();
    if (!view) return fail(view.error());
    const auto* lv = (*view)->find(object.lv.name);
    open = lv != nullptr && lv->open;
  }
  if (!open) return {};
  return fail(ErrorCode::conflict, object.record.object.str() + " is in use: something has " +
                                       group_->device(object.lv.name) + " open");
}

Result<void> LvmStoreBase::check_metadata_room(const GroupView& view) const {
  const auto free = view.group.metadata_free_bytes;
  if (!free || *free >= kMetadataKept) return {};
  return fail(ErrorCode::insufficient_space,
              "volume group " + group_->name() + " has only " + std::to_string(*free) +
                  " bytes left for the metadata of its LVs; remove some, or make a group with a "
                  "larger --metadatasize");
}

Result<LvmJobs::Ticket> LvmStoreBase::begin(const Uuid& id, const Allow& allow) {
  if (jobs_.contains(id)) {
    return fail(ErrorCode::already_exists, id.str() + " is already being made");
  }
  return jobs_.begin(id, [&](const LvmJobs::Outstanding& others) -> Result<std::uint64_t> {
    auto view = group_->look_or_give_up();
    if (!view) return fail(view.error());
    if (auto free = check_name_is_free(**view, id); !free) return fail(free.error());
    if (auto room = check_metadata_room(**view); !room) return fail(room.error());
    return allow(**view, others(**view));
  });
}

std::string LvmStoreBase::device(const Uuid& volume) const {
  return group_->device(lv_name(volume));
}

void LvmStoreBase::tend() {
  const auto now = clock_.monotonic();
  if (last_tended_ && now - *last_tended_ < kTendEvery) return;
  auto view = group_->look(VolumeGroup::Order::urgent);
  if (view) resume_what_is_suspended(**view);
  set_warning(view ? warning_about(**view)
                   : "cannot look at volume group " + group_->name() + ": " + view.error().message);
  last_tended_ = clock_.monotonic();
}

std::string LvmStoreBase::warning_about(const GroupView& view) {
  std::string warning = look_after(view);
  if (const auto room = check_metadata_room(view); !room && warning.empty()) {
    warning = room.error().message;
  }
  return warning;
}

void LvmStoreBase::resume_what_is_suspended(const GroupView& view) {
  std::set<std::string> now;
  for (const auto& lv : view.volumes) {
    const bool own = read_record(lv).has_value() || is_known(lv);
    if (!lv.suspended || !own) continue;
    now.insert(lv.name);
    if (!suspended_.contains(lv.name)) continue;
    auto done = group_->change(group_->commands().refresh(lv.name), VolumeGroup::Order::urgent);
    log::warning("resumed an LV that was left suspended",
                 {{"lv", lv.name}, {"error", done ? "" : describe(done.error())}});
  }
  suspended_ = std::move(now);
}

std::string LvmStoreBase::activate_volumes(const GroupView& view) {
  std::vector<std::string> names;
  for (const auto& object : objects_of(view)) {
    // A thin snapshot needs no device: clones are made of it.
    const bool wanted = object.record.object.kind == ObjectKind::volume || object.lv.pool.empty();
    if (wanted && object.usable() && !object.lv.active) names.push_back(object.lv.name);
  }
  if (names.empty()) return "";
  auto done = group_->change(group_->commands().activate(names));
  return done ? "" : "cannot activate volumes: " + done.error().message;
}

void LvmStoreBase::set_warning(std::string text) {
  std::lock_guard lock(warning_mutex_);
  if (text != warning_ && !text.empty()) log::warning("the store needs attention", {{"why", text}});
  warning_ = std::move(text);
}

std::string LvmStoreBase::warning() {
  std::lock_guard lock(warning_mutex_);
  return warning_;
}

}  // namespace vbs::volume_delegate
