#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/workflow/registry.h"
#include "common/json.h"
#include "db/attachment_table.h"
#include "db/audit_table.h"
#include "db/operation_table.h"
#include "db/snapshot_table.h"
#include "db/volume_table.h"

namespace vbs::api {

/// The operations in flight by the resource they hold; read in the same view as the rows shown.
class Holders {
 public:
  explicit Holders(db::Connection& connection);
  /// The exclusive holder; nullptr if there is none.
  const db::HeldLock* of(const std::string& resource) const;
  bool empty() const { return locks_.empty(); }

 private:
  std::unordered_map<std::string, db::HeldLock> locks_;
};

/// Kinds of operations that show what they hold in a passing state, as render_volume and
/// render_snapshot do.
const std::vector<std::string>& kinds_passing_volumes();
const std::vector<std::string>& kinds_passing_snapshots();

/// Writes one resource as JSON. States such as "creating" are read off the operation in flight.
void render_volume(json::Writer& out, const db::Volume& volume, const db::HeldLock* holder,
                   const db::Attachment* first, const db::Attachment* last);
void render_snapshot(json::Writer& out, const db::Snapshot& snapshot, const db::HeldLock* holder);
void render_attachment(json::Writer& out, const db::Attachment& attachment,
                       const db::HeldLock* holder);
/// `events` may be null: then the member is left out.
void render_operation(json::Writer& out, const db::Operation& operation,
                      const workflow::Registry& registry,
                      const std::vector<db::OperationEvent>* events);
void render_audit_record(json::Writer& out, const db::AuditRecord& record);

/// One volume with what belongs to it, read from the database.
void render_volume_of(json::Writer& out, db::Connection& connection, const db::Volume& volume);
void render_snapshot_of(json::Writer& out, db::Connection& connection,
                        const db::Snapshot& snapshot);
void render_attachment_of(json::Writer& out, db::Connection& connection,
                          const db::Attachment& attachment);

}  // namespace vbs::api
