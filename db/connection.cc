#include "db/connection.h"

#include "db/sqlite_error.h"

namespace vbs::db {
namespace {

// Only a program from outside can hold a lock that this process waits for.
constexpr int kBusyTimeoutMs = 1000;

// No temporary files, and every page that is read is checked before it is trusted.
constexpr char kCommonSettings[] =
    "PRAGMA foreign_keys = ON;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;";

void set_option(sqlite3* handle, int option) {
  if (sqlite3_db_config(handle, option, 1, nullptr) != SQLITE_OK) throw_last_error(handle);
}

}  // namespace

Connection::Connection(const std::string& path, Mode mode) {
  const int access =
      mode == Mode::writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(handle);
  if (!handle_) throw SqliteError(SQLITE_NOMEM, "no memory for a connection");
  if (code != SQLITE_OK) throw_last_error(handle);
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  set_option(handle, SQLITE_DBCONFIG_DEFENSIVE);
  execute(kCommonSettings);
  if (mode == Mode::writer) {
    set_up_writer();
  } else {
    set_up_reader();
  }
}

void Connection::set_up_writer() {
  {
    Statement journal(prepare("PRAGMA journal_mode = WAL"));
    if (!journal.step() || journal.text(0) != "wal") {
      throw SqliteError(SQLITE_CANTOPEN, "its file system cannot carry a write-ahead log");
    }
  }
  // Checkpoints run inside this connection's commits. The log shrinks back after a burst.
  execute(
      "PRAGMA synchronous = FULL;"
      "PRAGMA wal_autocheckpoint = 1000;"
      "PRAGMA journal_size_limit = 16777216;"
      "PRAGMA cache_size = -4096;");
}

void Connection::set_up_reader() {
  // SQLite 3.40 can damage a database that two connections checkpoint at once.
  set_option(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE);
  execute(
      "PRAGMA query_only = ON;"
      "PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA cache_size = -2048;");
}

Statement Connection::prepare(std::string_view sql) {
  auto cached = cache_.find(sql);
  if (cached == cache_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) throw_last_error(handle());
    cached = cache_.emplace(std::string(sql), CachedStatement(statement)).first;
  }
  if (sqlite3_stmt_busy(cached->second.get()) != 0) {
    throw SqliteError(SQLITE_MISUSE, "a statement is in use twice: " + std::string(sql));
  }
  return Statement(cached->second.get());
}

void Connection::execute(const std::string& sql) {
  if (sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw_last_error(handle());
  }
}

std::int64_t Connection::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle());
}

}  // namespace vbs::db
