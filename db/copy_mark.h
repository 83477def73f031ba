#pragma once

#include "db/connection.h"

namespace vbs::db {

/// The `user_version` of a database that is a backup and has not served yet.
inline constexpr int kCopyMark = 1;
/// In the `data` of an operation that was live in a backup: numbers its orders instead of its
/// `seq`.
inline constexpr const char* kOrder = "order";

/// Delegates obey the order with the highest number they have seen, and numbers come from those of
/// operations. A database that was put back from a backup does not know how far they had gone: it
/// goes on from the milliseconds since the epoch, which no service can have reached by counting
/// operations, and which only grow; so do those that are under way in it. So do the numbers of
/// audit records, of which somebody may have copied more than the backup has. Does nothing to a
/// database that is no copy; call before migrations. True when it was one. Throws SqliteError.
bool go_on_from_copy(Connection& writer, WallTime now);

}  // namespace vbs::db
