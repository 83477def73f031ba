#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "common/file.h"
#include "db/copy_mark.h"
#include "db/database.h"
#include "db/sqlite_error.h"

namespace vbs::db {
namespace {

struct FinishBackup {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};
struct CloseHandle {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
using Handle = std::unique_ptr<sqlite3, CloseHandle>;

Handle open_copy(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle handle(raw);
  if (!handle) throw SqliteError(SQLITE_NOMEM, "no memory for a connection");
  if (code != SQLITE_OK) throw_last_error(raw);
  return handle;
}

void execute(sqlite3* handle, const char* sql) {
  if (sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK) throw_last_error(handle);
}

/// So that a service that opens it later knows that time has passed which it does not hold.
void mark_as_copy(sqlite3* handle) {
  execute(handle, ("PRAGMA user_version = " + std::to_string(kCopyMark)).c_str());
}

/// The only program that may check and change the copy is this one: no log beside it, one file.
void copy_pages(Connection& source, const std::string& copy_path) {
  const Handle copy = open_copy(copy_path);
  // Within one read transaction, writes that go on meanwhile do not make the copy start again.
  source.execute("BEGIN");
  auto first_read = source.prepare("SELECT count(*) FROM sqlite_schema");
  first_read.step();
  {
    const std::unique_ptr<sqlite3_backup, FinishBackup> backup(
        sqlite3_backup_init(copy.get(), "main", source.handle(), "main"));
    if (!backup) throw_last_error(copy.get());
    const int code = sqlite3_backup_step(backup.get(), -1);
    if (code != SQLITE_DONE) throw SqliteError(code, sqlite3_errstr(code));
  }
  execute(copy.get(), "PRAGMA journal_mode = DELETE");
  mark_as_copy(copy.get());
}

void check_copy(const std::string& path) {
  Connection copy(path, Connection::Mode::reader);
  auto check = copy.prepare("PRAGMA quick_check(1)");
  if (check.step() && check.text(0) != "ok") throw SqliteError(SQLITE_CORRUPT, check.string(0));
}

Result<void> make_empty(const std::string& path) {
  const FileDescriptor made(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made) return {};
  if (errno == EEXIST) {
    return fail(ErrorCode::conflict, path +
                                         " exists: another backup to the same place runs, or one "
                                         "was interrupted; then remove it and try again");
  }
  return fail(errno == ENOSPC ? ErrorCode::insufficient_space : ErrorCode::database_unavailable,
              "cannot make " + path + ": " + errno_text(errno));
}

Result<void> check_paths(const std::string& source, const std::string& target) {
  struct stat status {};
  if (stat(source.c_str(), &status) != 0) {
    return fail(ErrorCode::not_found, "no database at " + source + ": " + errno_text(errno));
  }
  if (lstat(target.c_str(), &status) == 0) {
    return fail(ErrorCode::already_exists,
                target + " exists; a backup is written to a new file only");
  }
  return {};
}

Result<void> publish(const std::string& partial, const std::string& target) {
  if (renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    return fail(ErrorCode::database_unavailable,
                "cannot name the backup " + target + ": " + errno_text(errno));
  }
  auto directory = std::filesystem::path(target).parent_path().string();
  return sync_directory(directory.empty() ? "." : directory);
}

Result<void> copy_and_check(const std::string& source, const std::string& partial) {
  try {
    Connection connection(source, Connection::Mode::reader);
    copy_pages(connection, partial);
    check_copy(partial);
    return {};
  } catch (const SqliteError& error) {
    Error failure = error.to_error();
    failure.message = "backup of " + source + ": " + failure.message;
    return fail(std::move(failure));
  }
}

}  // namespace

Result<void> Database::backup(const std::string& source, const std::string& target) {
  if (auto ok = check_paths(source, target); !ok) return ok;
  const std::string partial = target + ".partial";
  if (auto ok = make_empty(partial); !ok) return ok;
  auto done = copy_and_check(source, partial);
  if (done) done = publish(partial, target);
  if (!done) unlink(partial.c_str());
  return done;
}

}  // namespace vbs::db
