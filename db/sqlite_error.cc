#include "db/sqlite_error.h"

#include <cerrno>

#include "db/connection.h"

namespace vbs::db {
namespace {

ErrorCode code_for(int primary) {
  switch (primary) {
    case SQLITE_FULL:
      return ErrorCode::insufficient_space;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
    case SQLITE_NOLFS:
      return ErrorCode::database_unavailable;
    default:
      return ErrorCode::internal;
  }
}

std::string_view advice_for(int primary) {
  switch (primary) {
    case SQLITE_FULL:
      return "no space is left for the metadata; free some on the database's file system";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return "another program holds a lock on it; close that program (a database shell?)";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "it cannot be written; check its owner, its mode and that its file system is not "
             "read-only";
    case SQLITE_IOERR:
      return "reading or writing it failed; check the disk and the kernel's log";
    case SQLITE_CANTOPEN:
      return "it or one of the files beside it cannot be opened; check owner and mode of its "
             "directory";
    case SQLITE_CORRUPT:
      return "it is damaged; stop the service, keep a copy of it, and restore the last backup";
    case SQLITE_NOTADB:
      return "it is no database of this service, or its beginning is damaged; check the configured "
             "path, or restore the last backup";
    default:
      return "it refused a request of this program";
  }
}

/// Whether an i/o error came from making a file longer or from bringing it to the disk.
bool is_failed_write(int extended_code) {
  return extended_code == SQLITE_IOERR_WRITE || extended_code == SQLITE_IOERR_SHMSIZE ||
         extended_code == SQLITE_IOERR_FSYNC || extended_code == SQLITE_IOERR_TRUNCATE;
}

}  // namespace

Error SqliteError::to_error() const {
  const int primary = code_ & 0xff;
  std::string message = "the metadata database failed: ";
  message += advice_for(primary);
  message += " (";
  message += what();
  message += ")";
  return Error{code_for(primary), std::move(message), {}, {}, {}};
}

void throw_last_error(sqlite3* handle) {
  // sqlite3_system_errno does not tell of writes to the log; errno still holds their number.
  const int number = errno;
  int code = sqlite3_extended_errcode(handle);
  std::string message = sqlite3_errmsg(handle);
  if (is_failed_write(code)) {
    message += ": " + errno_text(number);
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = SQLITE_FULL;
  }
  throw SqliteError(code, message);
}

void throw_corrupt(std::string_view what, std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string message = "stored ";
  message += what;
  message += " is not understood: '";
  message += text.substr(0, kShown);
  message += "'";
  throw SqliteError(SQLITE_CORRUPT, message);
}

}  // namespace vbs::db
