#include "db/audit_table.h"

#include "common/json.h"

namespace vbs::db {
namespace {

bool is_forced(const Operation& operation) {
  const auto options = json::parse(operation.options);
  const auto* force = options ? options->find("force") : nullptr;
  const bool* value = force ? force->as<bool>() : nullptr;
  return value && *value;
}

}  // namespace

AuditRecord audit_record_of(const Operation& operation) {
  AuditRecord record;
  record.at = operation.created_at;
  record.principal = operation.principal;
  record.action = operation.kind;
  record.force = is_forced(operation);
  record.operation = operation.id;
  record.volume = operation.volume;
  record.snapshot = operation.snapshot;
  record.attachment = operation.attachment;
  return record;
}

void AuditTable::append(const AuditRecord& record) {
  auto row = connection_.prepare(
      "INSERT INTO audit_records (at, principal, role, project, action, force, operation_uid,"
      " volume_uid, snapshot_uid, attachment_uid, vm, node, request_id)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
      " (SELECT vm FROM attachments WHERE uid = ?10),"
      " (SELECT vmm_node FROM attachments WHERE uid = ?10), ?11)");
  row.bind(record.at).bind(record.principal).bind(record.role).bind(record.project);
  row.bind(record.action).bind(record.force).bind(record.operation).bind(record.volume);
  row.bind(record.snapshot).bind(record.attachment).bind(record.request_id).run();
}

std::vector<AuditRecord> AuditTable::list(std::int64_t after, std::size_t limit) {
  auto row = connection_.prepare(
      "SELECT seq, at, principal, role, project, action, force, operation_uid, volume_uid,"
      " snapshot_uid, attachment_uid, vm, node, request_id FROM audit_records"
      " WHERE seq > ? ORDER BY seq LIMIT ?");
  row.bind(after).bind(static_cast<std::int64_t>(limit));
  std::vector<AuditRecord> records;
  while (row.step()) {
    records.push_back({row.integer(0), row.time(1), row.string(2), row.string(3), row.string(4),
                       row.string(5), row.integer(6) != 0, row.uuid(7), row.uuid(8), row.uuid(9),
                       row.uuid(10), row.string(11), row.string(12), row.string(13)});
  }
  return records;
}

}  // namespace vbs::db
