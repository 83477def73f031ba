#include "db/migrations.h"

#include <algorithm>
#include <vector>

#include "common/secret.h"

namespace vbs::db {
namespace {

struct Applied {
  int version;
  std::string name;
  std::string checksum;
};

Result<void> refuse(std::string message) {
  return fail(ErrorCode::database_unavailable, std::move(message));
}

bool has_table(Connection& connection, std::string_view name) {
  auto query = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return query.bind(name).step();
}

bool has_any_table(Connection& connection) {
  return connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").step();
}

std::vector<Applied> read_applied(Connection& connection) {
  std::vector<Applied> applied;
  auto query =
      connection.prepare("SELECT version, name, checksum FROM schema_migrations ORDER BY version");
  while (query.step()) {
    applied.push_back({static_cast<int>(query.integer(0)), query.string(1), query.string(2)});
  }
  return applied;
}

std::string label(int version, std::string_view name) {
  return std::to_string(version) + " (" + std::string(name) + ")";
}

Result<void> check_applied(const Applied& applied, std::span<const Migration> migrations) {
  auto known = std::find_if(migrations.begin(), migrations.end(),
                            [&](const Migration& m) { return m.version == applied.version; });
  if (known == migrations.end()) {
    const int last = migrations.empty() ? 0 : migrations.back().version;
    return refuse("the database has schema version " + label(applied.version, applied.name) +
                  ", this program knows versions up to " + std::to_string(last) +
                  ": start the newer program that made it, or restore a backup from before");
  }
  if (applied.checksum != sha256_hex(known->sql)) {
    return refuse("schema version " + label(applied.version, applied.name) +
                  " was made from another text than this program carries: start the program that "
                  "made it, or restore a backup of this release");
  }
  return {};
}

void create_table(Connection& connection) {
  connection.execute(
      "CREATE TABLE schema_migrations ("
      "  version    INTEGER PRIMARY KEY,"
      "  name       TEXT NOT NULL,"
      "  checksum   TEXT NOT NULL CHECK (length(checksum) = 64),"
      "  applied_at INTEGER NOT NULL"
      ") STRICT");
}

void check_references(Connection& connection) {
  auto broken = connection.prepare("SELECT \"table\", parent FROM pragma_foreign_key_check");
  if (!broken.step()) return;
  throw SqliteError(SQLITE_CONSTRAINT_FOREIGNKEY, "rows of " + broken.string(0) +
                                                      " refer to rows of " + broken.string(1) +
                                                      " that do not exist");
}

void apply(Connection& connection, const Migration& migration, WallTime now) {
  try {
    connection.execute("BEGIN IMMEDIATE");
    if (!has_table(connection, "schema_migrations")) create_table(connection);
    connection.execute(std::string(migration.sql));
    check_references(connection);
    connection
        .prepare(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at)"
            " VALUES (?, ?, ?, ?)")
        .bind(migration.version)
        .bind(migration.name)
        .bind(sha256_hex(migration.sql))
        .bind(now)
        .run();
    connection.execute("COMMIT");
  } catch (const SqliteError& error) {
    // A full disk has rolled back already; ROLLBACK then has nothing to do and says so.
    sqlite3_exec(connection.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw SqliteError(error.code(), "schema version " + label(migration.version, migration.name) +
                                        ": " + error.what());
  }
}

}  // namespace

Result<void> migrate(Connection& writer, std::span<const Migration> migrations, WallTime now) {
  std::vector<Applied> applied;
  if (has_table(writer, "schema_migrations")) {
    applied = read_applied(writer);
  } else if (has_any_table(writer)) {
    return refuse("the file is a database of another program: check the configured path");
  }
  for (const auto& one : applied) {
    if (auto ok = check_applied(one, migrations); !ok) return ok;
  }
  const int last = applied.empty() ? 0 : applied.back().version;
  // A migration may rebuild a table that others refer to; the references are checked before commit.
  writer.execute("PRAGMA foreign_keys = OFF");
  for (const auto& migration : migrations) {
    if (migration.version > last) apply(writer, migration, now);
  }
  writer.execute("PRAGMA foreign_keys = ON");
  return {};
}

}  // namespace vbs::db
