#include "api/reconcile/remedies.h"

#include "common/fault_point.h"
#include "common/log.h"
#include "db/audit_table.h"
#include "db/operation_table.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

constexpr const char* kPrincipal = "reconciler";

/// Whether the rows still want what the drift asks for, in the transaction that queues the remedy.
bool still_wanted(db::Connection& connection, const Drift& drift) {
  if (!drift.attachment.is_nil()) {
    const auto row = db::AttachmentTable(connection).find(drift.attachment);
    const auto state = drift.remedy == Remedy::remove ? db::AttachmentState::closed
                                                      : db::AttachmentState::attached;
    return row && row->state == state;
  }
  if (!drift.volume.is_nil()) {
    const auto row = db::VolumeTable(connection).find(drift.volume);
    return row && row->state == db::VolumeState::deleted;
  }
  const auto row = db::SnapshotTable(connection).find(drift.snapshot);
  return row && row->state == db::SnapshotState::deleted;
}

/// The audit record of what nobody asked for.
void record(db::Transaction& tx, db::AuditRecord record) {
  record.principal = kPrincipal;
  record.role = "service";
  db::AuditTable(tx.connection()).append(record);
}

std::string project_of(db::Connection& connection, const Drift& drift) {
  if (!drift.volume.is_nil()) return db::VolumeTable(connection).find(drift.volume)->project;
  return db::SnapshotTable(connection).find(drift.snapshot)->project;
}

}  // namespace

std::string Remedies::act_on(const Drift& drift) {
  if (drift.remedy == Remedy::repair_attachment) {
    queue(drift, "repair-attachment", "{}");
    return "repair-attachment is queued";
  }
  if (drift.remedy == Remedy::record_loss) {
    record_loss(drift);
    return "the snapshot is put in error";
  }
  json::Writer options;
  options.begin_object();
  options.member("path", drift.path);
  options.member("vm", drift.vm);
  options.end_object();
  queue(drift, "remove-leftover", options.take());
  return "remove-leftover is queued";
}

void Remedies::note_vm_uuids(std::map<Uuid, Uuid> found) {
  if (found.empty()) return;
  services_.database.write(
      [found = std::move(found)](db::Transaction& tx) -> Result<void> {
        db::AttachmentTable attachments(tx.connection());
        for (const auto& [attachment, vm] : found) attachments.set_vm_uuid(attachment, vm);
        return {};
      },
      [](Result<void> written) {
        if (!written)
          log::warning("UUIDs of VMs are not noted", {{"error", describe(written.error())}});
      },
      services_.executor);
}

void Remedies::record_loss(const Drift& drift) {
  services_.database.write(
      [drift, now = services_.clock.wall()](db::Transaction& tx) -> Result<void> {
        const auto row = db::SnapshotTable(tx.connection()).find(drift.snapshot);
        const bool held = held_resources(tx.connection()).contains(resource_of(drift));
        if (held || !row || row->state != db::SnapshotState::available) return {};
        if (auto ok = db::snapshot_error(tx, drift.snapshot, drift.detail, now); !ok) return ok;
        db::AuditRecord loss;
        loss.at = now;
        loss.action = "record-loss";
        loss.volume = row->volume;
        loss.snapshot = row->id;
        record(tx, std::move(loss));
        return {};
      },
      [](Result<void> written) {
        if (!written)
          log::warning("a loss is not recorded", {{"error", describe(written.error())}});
      },
      services_.executor);
}

void Remedies::queue(const Drift& drift, std::string_view kind, std::string options) {
  auto operation = std::make_shared<db::Operation>();
  operation->id = Uuid::generate(services_.clock, services_.random);
  operation->principal = kPrincipal;
  operation->kind = kind;
  operation->volume = drift.volume;
  operation->snapshot = drift.snapshot;
  operation->attachment = drift.attachment;
  operation->node = drift.node;
  operation->options = std::move(options);
  operation->created_at = operation->updated_at = operation->step_since = services_.clock.wall();
  operation->deadline = operation->created_at + services_.workflows.find(kind)->deadline;
  services_.database.write(
      [operation, drift](db::Transaction& tx) -> Result<void> {
        if (!still_wanted(tx.connection(), drift))
          return fail(ErrorCode::conflict, "the rows changed meanwhile");
        operation->project = project_of(tx.connection(), drift);
        if (auto begun = db::begin_operation(tx, *operation, {{resource_of(drift)}}); !begun)
          return begun;
        record(tx, db::audit_record_of(*operation));
        fault_point(operation->kind + ".intent.before-commit");
        return {};
      },
      [this, alive = std::weak_ptr(alive_), operation](Result<void> written) {
        if (alive.expired()) return;
        if (written) {
          fault_point(operation->kind + ".intent.after-commit");
          services_.engine.wake(operation->id);
        } else
          log::info("remedy not queued",
                    {{"kind", operation->kind}, {"error", describe(written.error())}});
      },
      services_.executor);
}

}  // namespace vbs::api
