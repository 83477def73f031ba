#include "db/idempotency_table.h"

namespace vbs::db {

std::optional<IdempotencyKey> IdempotencyTable::find(std::string_view project,
                                                     std::string_view principal,
                                                     std::string_view key) {
  auto query = connection_.prepare(
      "SELECT request_hash, operation_uid, created_at FROM idempotency_keys"
      " WHERE project = ? AND principal = ? AND key = ?");
  if (!query.bind(project).bind(principal).bind(key).step()) return std::nullopt;
  return IdempotencyKey{std::string(project), std::string(principal), std::string(key),
                        query.string(0),      query.uuid(1),          query.time(2)};
}

void IdempotencyTable::insert(const IdempotencyKey& key) {
  connection_
      .prepare(
          "INSERT INTO idempotency_keys"
          " (project, principal, key, request_hash, operation_uid, created_at)"
          " VALUES (?, ?, ?, ?, ?, ?)")
      .bind(key.project)
      .bind(key.principal)
      .bind(key.key)
      .bind(key.request_hash)
      .bind(key.operation)
      .bind(key.created_at)
      .run();
}

int IdempotencyTable::purge(WallTime before, int limit) {
  return connection_
      .prepare(
          "DELETE FROM idempotency_keys WHERE (project, principal, key) IN (SELECT project, "
          "principal,"
          " key FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT ?)")
      .bind(before)
      .bind(limit)
      .run();
}

}  // namespace vbs::db
