#pragma once

#include <string>

#include "common/file.h"

namespace vbs::db {

/// Takes `<path>.lock` for as long as the descriptor lives, and writes this process's id into it,
/// so that one process at a time serves a database. The lock file stays behind.
Result<FileDescriptor> claim_database(const std::string& path);

/// Makes an empty file of mode 0600 where there is none; takes other users' rights away from one
/// that is there. Call with the claim held and before SQLite opens the file: closing a descriptor
/// of it would drop SQLite's own locks.
Result<void> prepare_database_file(const std::string& path);

}  // namespace vbs::db
