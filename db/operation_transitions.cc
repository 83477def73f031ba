#include <algorithm>

#include "common/units.h"
#include "db/error_json.h"
#include "db/operation_text.h"
#include "db/transitions.h"

namespace vbs::db {
namespace {

Result<void> defect(std::int64_t seq, const std::string& what) {
  return fail(ErrorCode::internal, "operation number " + std::to_string(seq) + " " + what);
}

Result<void> check_free(Connection& connection, const LockRequest& request, WallTime now) {
  for (const auto& held : OperationTable(connection).locks_of(request.resource)) {
    if (request.mode == LockMode::shared && held.mode == LockMode::shared) continue;
    std::string resource = request.resource;
    std::replace(resource.begin(), resource.end(), '/', ' ');
    const auto age = std::max<std::int64_t>(0, to_millis(now) - to_millis(held.since));
    Error error;
    error.code = ErrorCode::operation_in_progress;
    error.message = resource + " is held by " + held.kind + " (operation " + held.operation.str() +
                    ", for " + format_duration(age) + ")";
    error.operation = held.operation.str();
    return fail(std::move(error));
  }
  return {};
}

void insert_operation(Connection& connection, Operation& operation) {
  auto row = connection.prepare(
      "INSERT INTO operations (uid, project, principal, kind, state, step, volume_uid,"
      " snapshot_uid, attachment_uid, node, options, data, cancel_requested, attempt, waiting_for,"
      " next_retry_at, step_since, deadline, created_at, updated_at)"
      " VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  row.bind(operation.id).bind(operation.project).bind(operation.principal).bind(operation.kind);
  row.bind(operation.step).bind(operation.volume).bind(operation.snapshot);
  row.bind(operation.attachment).bind(operation.node).bind(operation.options);
  row.bind(operation.data).bind(operation.cancel_requested).bind(operation.attempt);
  row.bind(operation.waiting_for).bind(operation.next_retry_at).bind(operation.step_since);
  row.bind(operation.deadline).bind(operation.created_at).bind(operation.updated_at).run();
  operation.seq = connection.last_insert_rowid();
}

void insert_lock(Connection& connection, std::int64_t seq, const LockRequest& request) {
  connection.prepare("INSERT INTO operation_locks (resource, operation_seq, mode) VALUES (?, ?, ?)")
      .bind(request.resource)
      .bind(seq)
      .bind(state_text(kLockModes, request.mode))
      .run();
}

/// Nothing, if the operation is in one of `allowed`.
Result<void> require_state(Connection& connection, std::int64_t seq,
                           std::initializer_list<OperationState> allowed, const char* act) {
  auto query = connection.prepare("SELECT state FROM operations WHERE seq = ?");
  if (!query.bind(seq).step()) return defect(seq, "does not exist");
  const auto state = stored_state<OperationState>(kOperationStates, query.text(0));
  if (std::find(allowed.begin(), allowed.end(), state) != allowed.end()) return {};
  return defect(seq, std::string("is ") + std::string(to_string(state)) + " and cannot " + act);
}

Result<void> enter_step(Transaction& tx, std::int64_t seq, int step, WallTime now) {
  tx.connection()
      .prepare(
          "UPDATE operations SET step = ?, attempt = 0, waiting_for = '', next_retry_at = NULL,"
          " step_since = ?, updated_at = ? WHERE seq = ?")
      .bind(step)
      .bind(now)
      .bind(now)
      .bind(seq)
      .run();
  return {};
}

/// Success comes only of running to the end; every other end has been undone first.
OperationState state_before(OperationState end) {
  return end == OperationState::succeeded ? OperationState::running : OperationState::undoing;
}

}  // namespace

std::string volume_resource(const Uuid& id) {
  return "volume/" + id.str();
}

std::string snapshot_resource(const Uuid& id) {
  return "snapshot/" + id.str();
}

Result<void> begin_operation(Transaction& tx, Operation& operation,
                             const std::vector<LockRequest>& locks) {
  if (operation.state != OperationState::running) {
    return fail(ErrorCode::internal, "an operation begins as running");
  }
  for (const auto& lock : locks) {
    if (auto ok = check_free(tx.connection(), lock, operation.created_at); !ok) return ok;
  }
  insert_operation(tx.connection(), operation);
  for (const auto& lock : locks) insert_lock(tx.connection(), operation.seq, lock);
  OperationEvent event;
  event.at = operation.created_at;
  event.what = "begun";
  event.message = "by " + operation.principal;
  OperationTable(tx.connection()).append_event(operation.seq, event);
  return {};
}

Result<void> advance_operation(Transaction& tx, std::int64_t seq, int next_step, WallTime now) {
  auto ok = require_state(tx.connection(), seq, {OperationState::running}, "advance");
  if (!ok) return ok;
  return enter_step(tx, seq, next_step, now);
}

Result<void> delay_operation(Transaction& tx, std::int64_t seq, int attempt,
                             std::string_view waiting_for, WallTime next_retry_at, WallTime now) {
  auto ok = require_state(tx.connection(), seq, {OperationState::running, OperationState::undoing},
                          "wait");
  if (!ok) return ok;
  tx.connection()
      .prepare(
          "UPDATE operations SET attempt = ?, waiting_for = ?, next_retry_at = ?, updated_at = ?"
          " WHERE seq = ?")
      .bind(attempt)
      .bind(waiting_for)
      .bind(next_retry_at)
      .bind(now)
      .bind(seq)
      .run();
  return {};
}

Result<void> put_off_deadline(Transaction& tx, std::int64_t seq, WallTime deadline) {
  auto ok = require_state(tx.connection(), seq, {OperationState::running}, "be given time");
  if (!ok) return ok;
  tx.connection()
      .prepare("UPDATE operations SET deadline = max(deadline, ?) WHERE seq = ?")
      .bind(deadline)
      .bind(seq)
      .run();
  return {};
}

Result<void> begin_undo(Transaction& tx, std::int64_t seq, int step, const Error& error,
                        WallTime now) {
  auto ok = require_state(tx.connection(), seq, {OperationState::running}, "begin to be undone");
  if (!ok) return ok;
  tx.connection()
      .prepare("UPDATE operations SET state = 'undoing', error = ? WHERE seq = ?")
      .bind(error_to_json(error))
      .bind(seq)
      .run();
  return enter_step(tx, seq, step, now);
}

Result<void> advance_undo(Transaction& tx, std::int64_t seq, int step, WallTime now) {
  auto ok = require_state(tx.connection(), seq, {OperationState::undoing}, "be undone further");
  if (!ok) return ok;
  return enter_step(tx, seq, step, now);
}

Result<void> end_operation(Transaction& tx, std::int64_t seq, OperationState state, WallTime now) {
  if (state == OperationState::running || state == OperationState::undoing) {
    return defect(seq, "cannot end as " + std::string(to_string(state)));
  }
  const std::string act = "end as " + std::string(to_string(state));
  auto ok = require_state(tx.connection(), seq, {state_before(state)}, act.c_str());
  if (!ok) return ok;
  tx.connection()
      .prepare(
          "UPDATE operations SET state = ?, waiting_for = '', next_retry_at = NULL,"
          " updated_at = ?, ended_at = ? WHERE seq = ?")
      .bind(to_string(state))
      .bind(now)
      .bind(now)
      .bind(seq)
      .run();
  tx.connection().prepare("DELETE FROM operation_locks WHERE operation_seq = ?").bind(seq).run();
  return {};
}

Result<void> request_cancel(Transaction& tx, std::int64_t seq, WallTime now) {
  auto ok = require_state(tx.connection(), seq, {OperationState::running, OperationState::undoing},
                          "be cancelled");
  if (!ok) return ok;
  tx.connection()
      .prepare("UPDATE operations SET cancel_requested = 1, updated_at = ? WHERE seq = ?")
      .bind(now)
      .bind(seq)
      .run();
  return {};
}

}  // namespace vbs::db
