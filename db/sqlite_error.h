#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

namespace vbs::db {

/// Throws what just failed on `handle` as an SqliteError. A write that the system refused for a
/// quota or a file size limit counts as a full disk.
[[noreturn]] void throw_last_error(sqlite3* handle);

/// Throws for stored text that no version of this program has written.
[[noreturn]] void throw_corrupt(std::string_view what, std::string_view text);

}  // namespace vbs::db
