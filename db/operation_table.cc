#include "db/operation_table.h"

#include "db/error_json.h"
#include "db/id_queries.h"
#include "db/operation_text.h"

namespace vbs::db {
namespace {

const std::string kSelect =
    "SELECT o.seq, o.uid, o.project, o.principal, o.kind, o.state, o.step, o.volume_uid,"
    " o.snapshot_uid, o.attachment_uid, o.node, o.options, o.data, o.cancel_requested, o.error,"
    " o.attempt, o.waiting_for, o.next_retry_at, o.step_since, o.deadline, o.created_at,"
    " o.updated_at, o.ended_at FROM operations o ";

Operation read_operation(const Statement& row) {
  Operation operation;
  operation.seq = row.integer(0);
  operation.id = row.uuid(1);
  operation.project = row.string(2);
  operation.principal = row.string(3);
  operation.kind = row.string(4);
  operation.state = stored_state<OperationState>(kOperationStates, row.text(5));
  operation.step = static_cast<int>(row.integer(6));
  operation.volume = row.uuid(7);
  operation.snapshot = row.uuid(8);
  operation.attachment = row.uuid(9);
  operation.node = row.string(10);
  operation.options = row.string(11);
  operation.data = row.string(12);
  operation.cancel_requested = row.integer(13) != 0;
  if (!row.is_null(14)) operation.error = error_from_json(row.text(14));
  operation.attempt = static_cast<int>(row.integer(15));
  operation.waiting_for = row.string(16);
  operation.next_retry_at = row.optional_time(17);
  operation.step_since = row.time(18);
  operation.deadline = row.time(19);
  operation.created_at = row.time(20);
  operation.updated_at = row.time(21);
  operation.ended_at = row.optional_time(22);
  return operation;
}

std::vector<Operation> read_operations(Statement& query) {
  std::vector<Operation> operations;
  while (query.step()) operations.push_back(read_operation(query));
  return operations;
}

std::optional<Operation> read_one(Statement& query) {
  if (!query.step()) return std::nullopt;
  return read_operation(query);
}

/// The newest first. ?1 before seq, ?2 limit, ?3 project, ?4 kind, ?5 state, ?6 live only, ?7
/// resource, ?8 ids, only where `driver` has them, ?9 and ?10 the least id of a prefix and the
/// first above it. The index is named here, so that a list's cost never hangs on statistics.
std::string list_sql(const char* index, const char* driver) {
  return kSelect + index + " WHERE " + driver +
         "o.seq < ?1"
         " AND (?3 IS NULL OR o.project = ?3)"
         " AND (?4 IS NULL OR o.kind = ?4)"
         " AND (?5 IS NULL OR o.state = ?5)"
         " AND (NOT ?6 OR o.ended_at IS NULL)"
         " AND (?7 IS NULL OR o.volume_uid = ?7 OR o.snapshot_uid = ?7 OR o.attachment_uid = ?7)"
         " AND (?9 IS NULL OR (o.uid >= ?9 AND o.uid < ?10))"
         " ORDER BY o.seq DESC LIMIT ?2";
}

bool is_live(const std::optional<OperationState>& state) {
  return state == OperationState::running || state == OperationState::undoing;
}

bool has_turned_back(const std::optional<OperationState>& state) {
  return state == OperationState::failed || state == OperationState::cancelled;
}

const std::string& list_sql_for(const OperationFilter& filter) {
  static const std::string by_ids = list_sql("", "o.uid IN (SELECT value FROM json_each(?8)) AND ");
  static const std::string by_resource =
      list_sql("NOT INDEXED",
               "o.seq IN (SELECT seq FROM operations WHERE volume_uid = ?7"
               " UNION ALL SELECT seq FROM operations WHERE snapshot_uid = ?7"
               " UNION ALL SELECT seq FROM operations WHERE attachment_uid = ?7) AND ");
  static const std::string live = list_sql("INDEXED BY operations_live", "o.ended_at IS NULL AND ");
  static const std::string by_prefix =
      list_sql("INDEXED BY sqlite_autoindex_operations_1", "o.uid >= ?9 AND o.uid < ?10 AND ");
  static const std::string turned_back =
      list_sql("INDEXED BY operations_turned_back",
               "o.project = ?3 AND o.state = ?5 AND o.state IN ('failed', 'cancelled') AND ");
  static const std::string by_kind =
      list_sql("INDEXED BY operations_project_kind", "o.project = ?3 AND o.kind = ?4 AND ");
  static const std::string by_project =
      list_sql("INDEXED BY operations_project", "o.project = ?3 AND ");
  static const std::string plain = list_sql("NOT INDEXED", "");

  if (!filter.ids.empty()) return by_ids;
  if (filter.resource) return by_resource;
  if (is_selective(filter.id_prefix)) return by_prefix;
  if (filter.live_only || is_live(filter.state)) return live;
  if (filter.project && has_turned_back(filter.state)) return turned_back;
  if (filter.project && filter.kind) return by_kind;
  return filter.project ? by_project : plain;
}

}  // namespace

std::string_view to_string(OperationState state) {
  return state_text(kOperationStates, state);
}

std::optional<OperationState> operation_state_from(std::string_view text) {
  return state_from<OperationState>(kOperationStates, text);
}

std::optional<Operation> OperationTable::find(const Uuid& id) {
  static const std::string sql = kSelect + "WHERE o.uid = ?";
  auto query = connection_.prepare(sql);
  return read_one(query.bind(id));
}

std::optional<Operation> OperationTable::find_seq(std::int64_t seq) {
  static const std::string sql = kSelect + "WHERE o.seq = ?";
  auto query = connection_.prepare(sql);
  return read_one(query.bind(seq));
}

std::vector<Operation> OperationTable::list(const OperationFilter& filter) {
  auto query = connection_.prepare(list_sql_for(filter));
  query.bind(filter.before_seq)
      .bind(static_cast<std::int64_t>(filter.limit))
      .bind(filter.project)
      .bind(filter.kind);
  if (filter.state) {
    query.bind(to_string(*filter.state));
  } else {
    query.bind_null();
  }
  query.bind(filter.live_only).bind(filter.resource.value_or(Uuid{}));
  bind_ids(query, filter.ids);
  bind_prefix(query, filter.id_prefix);
  return read_operations(query);
}

std::vector<Operation> OperationTable::live() {
  static const std::string sql =
      kSelect + "INDEXED BY operations_live WHERE o.ended_at IS NULL ORDER BY o.seq";
  auto query = connection_.prepare(sql);
  return read_operations(query);
}

std::int64_t OperationTable::count_live() {
  auto query = connection_.prepare(
      "SELECT count(*) FROM operations INDEXED BY operations_live WHERE ended_at IS NULL");
  query.step();
  return query.integer(0);
}

std::optional<std::int64_t> OperationTable::seq_of(const Uuid& id,
                                                   const std::optional<std::string>& project) {
  return db::find_seq(connection_,
                      "SELECT seq FROM operations WHERE uid = ?1 AND (?2 IS NULL OR project = ?2)",
                      id, project);
}

void OperationTable::set_data(std::int64_t operation_seq, std::string_view data) {
  connection_.prepare("UPDATE operations SET data = ? WHERE seq = ?")
      .bind(data)
      .bind(operation_seq)
      .run();
}

int OperationTable::purge_ended(WallTime before, int limit) {
  // A key must be able to answer with its operation for as long as it lives.
  return connection_
      .prepare(
          "DELETE FROM operations WHERE seq IN (SELECT o.seq FROM operations o"
          " INDEXED BY operations_ended WHERE o.ended_at IS NOT NULL AND o.ended_at < ?"
          " AND NOT EXISTS (SELECT 1 FROM idempotency_keys k WHERE k.operation_uid = o.uid)"
          " ORDER BY o.ended_at LIMIT ?)")
      .bind(before)
      .bind(limit)
      .run();
}

}  // namespace vbs::db
