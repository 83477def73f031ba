#include "api/reconcile/comparer.h"

#include "common/units.h"

namespace vbs::api {

void Comparer::foreign(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Drift drift;
    drift.kind = "foreign";
    drift.node = node_;
    drift.object = name;
    drift.detail = name + " is not of VBS and is left alone";
    result_.drifts.push_back(std::move(drift));
  }
}

void Comparer::count(const std::string& resource, bool present) {
  if (held_.contains(resource)) return;
  ++result_.expected;
  if (!present) ++result_.missing;
}

Drift& Comparer::add(std::string kind, const Uuid& object, std::string detail) {
  Drift& drift = result_.drifts.emplace_back();
  drift.kind = std::move(kind);
  drift.node = node_;
  drift.object = object.str();
  drift.detail = std::move(detail);
  return drift;
}

void Comparer::stale_size(const db::Attachment& row, const std::string& who,
                          std::uint64_t size_bytes, bool grows) {
  if (size_bytes == 0) return;
  const auto volume = db::VolumeTable(connection_).find(row.volume);
  if (!volume || size_bytes >= volume->size_bytes) return;
  Drift& drift =
      add("stale-size", row.id,
          who + " shows " + row.device + " of attachment " + row.id.str() + " with " +
              format_size(size_bytes) + " and not with " + format_size(volume->size_bytes) +
              (grows ? "" : "; detach it and attach it again"));
  if (grows) drift.remedy = Remedy::repair_attachment;
  drift.volume = row.volume;
  drift.attachment = row.id;
}

Drift* Comparer::surplus_of_attachment(const std::string& what, const Uuid& id, std::string path,
                                       std::string vm) {
  const auto row = db::AttachmentTable(connection_).find(id);
  const bool ours = row && row->state == db::AttachmentState::closed;
  if (!ours) {
    add("foreign-" + what, id, what + " " + id.str() + " is not of this service and is left alone");
    return nullptr;
  }
  Drift& drift = add("leftover-" + what, id,
                     "attachment " + id.str() + " is closed and its " + what + " is still there");
  drift.remedy = Remedy::remove;
  drift.volume = row->volume;
  drift.attachment = id;
  drift.path = std::move(path);
  drift.vm = std::move(vm);
  return &drift;
}

}  // namespace vbs::api
