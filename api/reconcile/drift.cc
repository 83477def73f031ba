#include "api/reconcile/drift.h"

#include "db/operation_table.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

constexpr std::size_t kImplausibleCount = 5;
constexpr std::size_t kImplausibleShare = 20;  // one in twenty is 5%

}  // namespace

std::string attachment_resource(const Uuid& id) {
  return "attachment/" + id.str();
}

HeldResources held_resources(db::Connection& connection) {
  HeldResources held;
  for (const db::HeldLock& lock : db::OperationTable(connection).locks())
    held.insert(lock.resource);
  for (const db::Operation& operation : db::OperationTable(connection).live()) {
    if (!operation.attachment.is_nil()) held.insert(attachment_resource(operation.attachment));
  }
  return held;
}

std::string resource_of(const Drift& drift) {
  const bool closed = drift.remedy == Remedy::remove && !drift.attachment.is_nil();
  if (closed) return attachment_resource(drift.attachment);
  if (!drift.volume.is_nil()) return db::volume_resource(drift.volume);
  if (!drift.snapshot.is_nil()) return db::snapshot_resource(drift.snapshot);
  return "";
}

bool implausible(const Comparison& comparison) {
  return comparison.missing >= kImplausibleCount &&
         comparison.missing * kImplausibleShare > comparison.expected;
}

}  // namespace vbs::api
