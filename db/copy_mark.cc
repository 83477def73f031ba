#include "db/copy_mark.h"

namespace vbs::db {

namespace {

int mark_of(Connection& connection) {
  auto query = connection.prepare("PRAGMA user_version");
  query.step();
  return static_cast<int>(query.integer(0));
}

}  // namespace

bool go_on_from_copy(Connection& writer, WallTime now) {
  if (mark_of(writer) != kCopyMark) return false;
  writer.execute("BEGIN IMMEDIATE");
  for (const char* table : {"operations", "audit_records"}) {
    const int raised = writer.prepare("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?")
                           .bind(now)
                           .bind(table)
                           .run();
    if (raised > 0) continue;
    writer.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)")
        .bind(table)
        .bind(now)
        .run();
  }
  writer.prepare("UPDATE operations SET data = json_set(data, '$.' || ?, ?) WHERE ended_at IS NULL")
      .bind(kOrder)
      .bind(now)
      .run();
  writer.execute("PRAGMA user_version = 0; COMMIT");
  return true;
}

}  // namespace vbs::db
