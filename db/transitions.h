#pragma once

#include <string>
#include <vector>

#include "db/attachment_table.h"
#include "db/database.h"
#include "db/operation_table.h"
#include "db/snapshot_table.h"
#include "db/usage_table.h"
#include "db/volume_table.h"

namespace vbs::db {

/// The only code that changes a status. Each function checks the state it starts from and fails
/// with `internal` (a defect) where that is not allowed, so that a wrong caller can never corrupt a
/// row.

struct LockRequest {
  std::string resource;
  LockMode mode = LockMode::exclusive;
};
std::string volume_resource(const Uuid& id);    ///< "volume/<id>"
std::string snapshot_resource(const Uuid& id);  ///< "snapshot/<id>"

/// Writes the operation (sets seq) and takes its locks; operation_in_progress, with the holder's id
/// in `Error::operation` and its kind and age in the message, when one is held. First event
/// included.
Result<void> begin_operation(Transaction& tx, Operation& operation,
                             const std::vector<LockRequest>& locks);
/// The present step is settled: `next_step` is in work from `now` on.
Result<void> advance_operation(Transaction& tx, std::int64_t seq, int next_step, WallTime now);
/// The present step did not settle; says for what it waits and when it is tried again.
Result<void> delay_operation(Transaction& tx, std::int64_t seq, int attempt,
                             std::string_view waiting_for, WallTime next_retry_at, WallTime now);
/// running: it has at least until `deadline`.
Result<void> put_off_deadline(Transaction& tx, std::int64_t seq, WallTime deadline);
/// running -> undoing from `step` backwards, because of `error`.
Result<void> begin_undo(Transaction& tx, std::int64_t seq, int step, const Error& error,
                        WallTime now);
/// undoing: `step` is the next to be undone.
Result<void> advance_undo(Transaction& tx, std::int64_t seq, int step, WallTime now);
/// Ends it and releases its locks. `state` is succeeded, failed or cancelled.
Result<void> end_operation(Transaction& tx, std::int64_t seq, OperationState state, WallTime now);
Result<void> request_cancel(Transaction& tx, std::int64_t seq, WallTime now);

Result<void> volume_available(Transaction& tx, const Uuid& id, WallTime now);
Result<void> volume_error(Transaction& tx, const Uuid& id, std::string_view reason, WallTime now);
/// The volume is going to have `wanted` bytes, more than now; the difference is reserved already.
Result<void> volume_growing(Transaction& tx, const Uuid& id, std::uint64_t wanted, WallTime now);
/// Observed: it has the size that it was growing to. Again is harmless.
Result<void> volume_grown(Transaction& tx, const Uuid& id, WallTime now);
/// It did not grow: what was reserved for that is free again. Again is harmless.
Result<void> volume_not_grown(Transaction& tx, const Uuid& id, WallTime now);
/// Observed gone: frees name, quota and room on its server. Again is harmless.
Result<void> volume_deleted(Transaction& tx, const Uuid& id, WallTime now);
Result<void> snapshot_available(Transaction& tx, const Uuid& id, WallTime now);
Result<void> snapshot_error(Transaction& tx, const Uuid& id, std::string_view reason, WallTime now);
Result<void> snapshot_deleted(Transaction& tx, const Uuid& id, WallTime now);
/// reserved -> attached; the volume becomes in-use.
Result<void> attachment_attached(Transaction& tx, const Uuid& id, WallTime now);
/// -> closed, its secret wiped; the volume becomes available when no other is open. Again is
/// harmless.
Result<void> attachment_closed(Transaction& tx, const Uuid& id, std::string_view reason,
                               WallTime now);

}  // namespace vbs::db
