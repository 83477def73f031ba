#pragma once

#include <span>
#include <string_view>

#include "db/connection.h"

namespace vbs::db {

/// One file of schema/, "<version>_<name>.sql". A released one never changes; a change of the
/// schema is a new file.
struct Migration {
  int version;
  std::string_view name;
  std::string_view sql;
};

/// The files of schema/, ascending by version; made from them when the program is built.
std::span<const Migration> known_migrations();

/// Brings the database to the last of `migrations`, each in one transaction of its own, and notes
/// it with its SHA-256 in `schema_migrations`. Refuses, changing nothing: a database with a
/// migration that is not among `migrations` (a newer program made it), one whose text has changed
/// since, and a file with other tables. Throws SqliteError.
Result<void> migrate(Connection& writer, std::span<const Migration> migrations, WallTime now);

}  // namespace vbs::db
