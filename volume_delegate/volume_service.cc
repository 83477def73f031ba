#include "volume_delegate/volume_service.h"

#include <string>
#include <utility>

#include "common/fault_point.h"
#include "common/log.h"
#include "common/units.h"

namespace vbs::volume_delegate {
namespace {

constexpr const char* kReady = "ready";
constexpr const char* kCopying = "copying";
constexpr const char* kGrowing = "growing";

Result<std::optional<ObjectRef>> source_of(const wire::VolumeSpec& spec) {
  if (spec.source_kind.empty()) {
    if (spec.source.is_nil()) return std::nullopt;
    return fail_field("source_kind",
                      "must be \"snapshot\", \"volume\" or \"image\" when a source is given");
  }
  if (spec.source.is_nil()) return fail_field("source", "must be the id of a " + spec.source_kind);
  for (const ObjectKind kind : {ObjectKind::volume, ObjectKind::snapshot, ObjectKind::image}) {
    if (spec.source_kind == to_string(kind)) return ObjectRef{kind, spec.source};
  }
  return fail_field("source_kind", "must be \"\", \"snapshot\", \"volume\" or \"image\"");
}

tl::unexpected<Error> other_body(const Uuid& id, const std::string& held) {
  return fail(ErrorCode::conflict, "volume " + id.str() + " is already there, " + held +
                                       "; an id cannot be used for another volume");
}

}  // namespace

Result<void> check_source_is_complete(const CopyBoard& copies, const ObjectRef& source) {
  const auto copy = copies.find(source.id);
  if (!copy || copy->failure) return {};
  return fail(ErrorCode::conflict, source.str() + " is still being copied itself");
}

Result<void> check_not_being_read(const CopyBoard& copies, const ObjectRef& object) {
  const auto reader = copies.reader_of(object);
  if (!reader) return {};
  return fail(ErrorCode::conflict, object.str() + " is being copied to " + reader->str());
}

tl::unexpected<Error> was_deleted(const ObjectRef& object) {
  return fail(ErrorCode::stale_generation, object.str() + " was deleted; an id is not used again");
}

wire::VolumeStatus VolumeService::ready(const StoredVolume& volume) {
  wire::VolumeStatus status;
  status.id = volume.id;
  status.size_bytes = volume.size_bytes;
  status.state = kReady;
  status.copied_bytes = volume.size_bytes;
  status.allocated_bytes = volume.allocated_bytes;
  status.snapshot_estimate_ms = volume.snapshot_estimate_ms;
  return status;
}

wire::VolumeStatus VolumeService::copying(const CopyBoard::View& copy) {
  wire::VolumeStatus status;
  status.id = copy.order.object.id;
  status.size_bytes = copy.order.size_bytes;
  status.state = kCopying;
  status.copied_bytes = copy.copied_bytes;
  return status;
}

wire::VolumeStatus VolumeService::growing(const Uuid& id, const Growth& growth) {
  wire::VolumeStatus status;
  status.id = id;
  status.size_bytes = growth.size_bytes;
  status.state = kGrowing;
  status.copied_bytes = growth.ready_bytes;
  return status;
}

wire::VolumeStatus VolumeService::deleting(const Uuid& id, const Removal& removal) {
  wire::VolumeStatus status;
  status.id = id;
  status.size_bytes = removal.size_bytes;
  status.state = "deleting";
  status.copied_bytes = removal.wiped_bytes;
  return status;
}

Result<wire::VolumeStatus> VolumeService::put(const Uuid& id, const wire::VolumeSpec& spec) {
  if (auto ok = check_volume_size(spec.size_bytes, "size_bytes"); !ok) return fail(ok.error());
  auto source = source_of(spec);
  if (!source) return fail(source.error());
  const auto guard = parts_.locks.take(*source ? std::vector{id, (*source)->id} : std::vector{id});
  if (!guard) return fail(guard.error());
  if (parts_.tombstones.contains(id)) return was_deleted({ObjectKind::volume, id});
  auto same = find_same(id, spec, *source);
  if (!same) return fail(same.error());
  if (*same) return std::move(**same);
  return make(id, spec, *source);
}

Result<std::optional<wire::VolumeStatus>> VolumeService::find_same(
    const Uuid& id, const wire::VolumeSpec& spec, const std::optional<ObjectRef>& source) {
  if (const auto copy = parts_.copies.find(id)) {
    if (copy->failure) {
      parts_.copies.forget_failure(id);
      return fail(*copy->failure);
    }
    if (copy->cancelled)
      return fail(ErrorCode::conflict, "volume " + id.str() + " is being deleted");
    if (copy->order == CopyOrder{{ObjectKind::volume, id}, source, spec.size_bytes}) {
      return copying(*copy);
    }
    const auto& from = copy->order.source;
    return other_body(id, from ? "being copied from " + from->str() : "being made");
  }
  auto held = parts_.store.find_volume(id);
  if (!held && held.error().code == ErrorCode::not_found) return std::nullopt;
  if (!held) return fail(held.error());
  if (held->size_bytes != spec.size_bytes) {
    return other_body(id, "with " + std::to_string(held->size_bytes) + " bytes");
  }
  if (held->source != source) {
    return other_body(id,
                      held->source ? "made from " + held->source->str() : "made without a source");
  }
  return ready(*held);
}

Result<wire::VolumeStatus> VolumeService::make(const Uuid& id, const wire::VolumeSpec& spec,
                                               const std::optional<ObjectRef>& source) {
  fault_point("volumed.put_volume.before_act");
  if (source) {
    if (auto ok = check_source_is_complete(parts_.copies, *source); !ok) return fail(ok.error());
  }
  auto made = source ? parts_.store.prepare_volume(id, spec.size_bytes, *source)
                     : parts_.store.prepare_empty(id, spec.size_bytes);
  if (!made) return fail(made.error());
  const CopyOrder order{{ObjectKind::volume, id}, source, spec.size_bytes};
  const Urgency urgency = source ? Urgency::usual : Urgency::only_zeros;
  if (auto ok = parts_.copies.begin(order, std::move(*made), urgency); !ok) {
    return fail(ok.error());
  }
  fault_point("volumed.put_volume.after_act");
  log::info("made a volume", {{"id", id.str()}, {"size", format_size(spec.size_bytes)}});
  return get(id);
}

Result<void> VolumeService::check_may_grow(const Uuid& id, bool while_exported) {
  if (auto ok = check_not_being_read(parts_.copies, {ObjectKind::volume, id}); !ok) return ok;
  const auto exports = parts_.exports.of_volume(id);
  if (while_exported || exports.empty()) return {};
  return fail(ErrorCode::conflict,
              "volume " + id.str() + " is exported for attachment " +
                  exports.front().attachment.str() +
                  ", and the target of this server cannot show a new size to who is logged in; "
                  "detach it first");
}

Result<wire::VolumeStatus> VolumeService::grow(const Uuid& id, std::uint64_t size_bytes,
                                               bool while_exported) {
  const auto guard = parts_.locks.take({id});
  if (!guard) return fail(guard.error());
  const ObjectRef object{ObjectKind::volume, id};
  if (parts_.tombstones.contains(id)) return was_deleted(object);
  if (auto ok = check_source_is_complete(parts_.copies, object); !ok) return fail(ok.error());
  auto held = get(id);
  if (!held || held->size_bytes == size_bytes) return held;
  if (held->size_bytes > size_bytes) return cannot_shrink(id, held->size_bytes);
  if (auto ok = check_may_grow(id, while_exported); !ok) return fail(ok.error());
  auto growth = parts_.store.grow_volume(id, size_bytes);
  if (!growth) return fail(growth.error());
  if (!growth->done) return growing(id, *growth);
  log::info("made a volume larger", {{"id", id.str()}, {"size", format_size(size_bytes)}});
  return get(id);
}

Result<wire::VolumeStatus> VolumeService::get(const Uuid& id) {
  if (const auto copy = parts_.copies.find(id)) {
    if (copy->failure) return fail(*copy->failure);
    return copying(*copy);
  }
  auto held = parts_.store.find_volume(id);
  if (held) return ready(*held);
  if (held.error().code != ErrorCode::not_found) return fail(held.error());
  return fail(ErrorCode::not_found, "there is no volume " + id.str() + " on this server");
}

Result<void> VolumeService::check_unused(const Uuid& id) {
  const auto exports = parts_.exports.of_volume(id);
  if (exports.empty()) return check_not_being_read(parts_.copies, {ObjectKind::volume, id});
  return fail(ErrorCode::conflict, "volume " + id.str() + " is exported for attachment " +
                                       exports.front().attachment.str() +
                                       "; remove that export first");
}

Result<std::optional<wire::VolumeStatus>> VolumeService::remove(const Uuid& id) {
  const auto guard = parts_.locks.take({id});
  if (!guard) return fail(guard.error());
  if (auto ok = check_unused(id); !ok) return fail(ok.error());
  if (const auto copy = parts_.copies.find(id)) {
    if (!copy->failure && parts_.copies.cancel(id)) return copying(*copy);
    parts_.copies.forget_failure(id);
  }
  fault_point("volumed.delete_volume.before_act");
  auto removal = parts_.store.remove_volume(id);
  if (!removal) return fail(removal.error());
  if (!removal->gone) return deleting(id, *removal);
  fault_point("volumed.delete_volume.after_act");
  if (auto ok = parts_.tombstones.add(id, parts_.clock.wall()); !ok) return fail(ok.error());
  fault_point("volumed.delete_volume.after_record");
  log::info("deleted a volume", {{"id", id.str()}});
  return std::nullopt;
}

}  // namespace vbs::volume_delegate
