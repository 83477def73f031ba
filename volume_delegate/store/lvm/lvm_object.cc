#include "volume_delegate/store/lvm/lvm_object.h"

#include <utility>

namespace vbs::volume_delegate {
namespace {

tl::unexpected<Error> no_source(const ObjectRef& source, ErrorCode code, const std::string& why) {
  return fail(Error{code, source.str() + " " + why, "source", {}, {}});
}

Result<LvmObject> find_image(const GroupView& view, const ObjectRef& source) {
  const LogicalVolume* image = nullptr;
  for (const auto& lv : view.volumes) {
    const auto offer = read_offer(lv);
    if (!offer || offer->id != source.id) continue;
    if (image != nullptr) {
      return no_source(source, ErrorCode::conflict,
                       "is what both LV " + image->name + " and LV " + lv.name + " are tagged as");
    }
    image = &lv;
  }
  if (image == nullptr) return no_source(source, ErrorCode::not_found, "is not on this server");
  if (!image->read_only) {
    return no_source(source, ErrorCode::conflict,
                     "can be written to: `lvchange --permission r` LV " + image->name);
  }
  return LvmObject{*image,
                   LvRecord{source, image->size_bytes, {}, {}, LvStage::whole, 0, 0, "", false}};
}

}  // namespace

std::optional<LvmObject> find_object(const GroupView& view, const Uuid& id) {
  const auto* lv = view.find(lv_name(id));
  auto record = lv ? read_record(*lv) : std::nullopt;
  if (!record) return std::nullopt;
  return LvmObject{*lv, std::move(*record)};
}

std::vector<LvmObject> objects_of(const GroupView& view) {
  std::vector<LvmObject> out;
  for (const auto& lv : view.volumes) {
    if (auto record = read_record(lv)) out.push_back({lv, std::move(*record)});
  }
  return out;
}

Result<LvmObject> find_source(const GroupView& view, const ObjectRef& source) {
  if (source.kind == ObjectKind::image) return find_image(view, source);
  auto object = find_object(view, source.id);
  if (!object || !object->usable() || object->record.object != source) {
    return no_source(source, ErrorCode::not_found, "is not on this server");
  }
  if (object->record.lost || object->lv.invalid) {
    return no_source(source, ErrorCode::conflict, "is lost: its room was too small");
  }
  return std::move(*object);
}

Result<void> check_fits(std::uint64_t size_bytes, const LvmObject& source) {
  if (size_bytes >= source.record.size_bytes) return {};
  return fail_field("size_bytes", "must be at least the size of its source, " +
                                      std::to_string(source.record.size_bytes) + " bytes");
}

Result<void> check_name_is_free(const GroupView& view, const Uuid& id) {
  const auto* lv = view.find(lv_name(id));
  if (lv == nullptr) return {};
  const auto object = find_object(view, id);
  if (!object) {
    return fail(ErrorCode::already_exists, "LV " + lv->name + " is there and not of VBS");
  }
  const std::string who = object->record.object.str();
  if (object->usable()) return fail(ErrorCode::already_exists, who + " is there");
  return fail(ErrorCode::overloaded, "what was left of " + who + " is being removed; ask again");
}

Result<void> check_no_other_driver(const GroupView& view, const std::string& pool) {
  for (const auto& object : objects_of(view)) {
    if (object.lv.pool == pool) continue;
    return fail(ErrorCode::conflict,
                object.record.object.str() + " in this volume group " +
                    (object.lv.pool.empty() ? std::string("is of the driver lvm")
                                            : "is in thin pool " + object.lv.pool) +
                    "; a volume group serves one driver and one pool");
  }
  return {};
}

const LogicalVolume* find_dependent(const GroupView& view, const LogicalVolume& lv) {
  for (const auto& other : view.volumes) {
    const bool peers = !lv.pool.empty() && other.pool == lv.pool;
    if (other.origin == lv.name && !peers) return &other;
  }
  return nullptr;
}

tl::unexpected<Error> needed_by(const LogicalVolume& lv, const LogicalVolume& other) {
  return fail(ErrorCode::conflict,
              "LV " + lv.name + " is the origin of LV " + other.name + "; delete that first");
}

Result<void> remove_alone(VolumeGroup& group, const std::string& lv) {
  auto view = group.look();
  if (!view) return fail(view.error());
  const auto* found = (*view)->find(lv);
  if (found == nullptr) return {};
  if (const auto* other = find_dependent(**view, *found)) return needed_by(*found, *other);
  return group.change(group.commands().remove(lv));
}

Result<BlockDevice> open_device(const VolumeGroup& group, const LogicalVolume& lv,
                                BlockDevice::Use use) {
  if (!lv.active || !lv.device_number) {
    return fail(ErrorCode::internal, "LV " + lv.name + " has no device");
  }
  auto device = BlockDevice::open(group.device(lv.name), use, *lv.device_number);
  if (!device) return device;
  const bool has_room_only = !lv.origin.empty() && lv.pool.empty();
  auto size = device->size();
  if (!size) return fail(size.error());
  if (has_room_only || *size == lv.size_bytes) return device;
  return fail(ErrorCode::internal, "LV " + lv.name + " has " + std::to_string(lv.size_bytes) +
                                       " bytes, and its device " + std::to_string(*size));
}

Result<BlockDevice> open_device(VolumeGroup& group, const std::string& lv, BlockDevice::Use use) {
  auto view = group.look();
  if (!view) return fail(view.error());
  const auto* found = (*view)->find(lv);
  if (found != nullptr && !found->active) {
    if (auto ok = group.change(group.commands().activate({lv})); !ok) return fail(ok.error());
    view = group.look();
    if (!view) return fail(view.error());
    found = (*view)->find(lv);
  }
  if (found == nullptr) return fail(ErrorCode::internal, "LV " + lv + " is not there any more");
  return open_device(std::as_const(group), *found, use);
}

std::optional<LvmGrowthRoom> find_growth(const GroupView& view, const Uuid& volume) {
  const auto* lv = view.find(growth_name(volume));
  auto record = lv ? read_growth(*lv) : std::nullopt;
  if (!record) return std::nullopt;
  return LvmGrowthRoom{*lv, *record};
}

Result<void> change_record(VolumeGroup& group, LvmObject& object, const LvRecord& to) {
  const TagChange change = change_of(object.record, to);
  // An earlier try may have got as far as this, and lvchange wants something to change.
  if (change.remove.empty() && change.add.empty()) return {};
  auto changed = group.change(group.commands().change_tags(object.lv.name, change));
  if (changed) object.record = to;
  return changed;
}

}  // namespace vbs::volume_delegate
