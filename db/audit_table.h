#pragma once

#include <string>
#include <vector>

#include "db/connection.h"
#include "db/operation_table.h"

namespace vbs::db {

/// Who did what, for good.
struct AuditRecord {
  std::int64_t seq = 0;  ///< grows for ever, also over backups that are put back
  WallTime at{};
  std::string principal;
  std::string role;     ///< "service" where nobody asked; "" where it is not known
  std::string project;  ///< of the principal; "" where it is not known
  std::string action;   ///< an operation's kind, "cancel-operation" or "record-loss"
  bool force = false;   ///< of detach-volume
  Uuid operation;       ///< nil where there is none, like all below
  Uuid volume;
  Uuid snapshot;
  Uuid attachment;
  std::string vm;          ///< of the attachment
  std::string node;        ///< the VM's
  std::string request_id;  ///< "" where nobody asked, or it is not known
};

/// The record of the beginning of `operation`, but for who asked: its principal, without role,
/// project and request.
AuditRecord audit_record_of(const Operation& operation);

/// The audit trail. Records are added and never changed or removed, which the database itself
/// refuses.
class AuditTable {
 public:
  explicit AuditTable(Connection& connection) : connection_(connection) {}
  /// In the transaction of the change, when its rows are written: VM and node are taken from the
  /// attachment's.
  void append(const AuditRecord& record);
  /// The oldest first, those behind `after`.
  std::vector<AuditRecord> list(std::int64_t after, std::size_t limit);

 private:
  Connection& connection_;
};

}  // namespace vbs::db
