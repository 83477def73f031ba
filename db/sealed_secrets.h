#pragma once

#include <string>

#include "common/secret_box.h"
#include "db/connection.h"

namespace vbs::db {

/// The `application_id` of a database that was written by a program which kept CHAP secrets in
/// clear: they may still be in its rows, in its free pages and in its log. Schema version 4 sets
/// it.
inline constexpr int kClearSecretsMark = 1;

/// The box for the secrets of attachments, with the keys of `key_file`. A database without sealed
/// secrets gets a new file where there is none. Else the file has to be there, and to open all of
/// them, or the error says what to do; nothing is changed then.
/// Seals secrets that stand in clear, and anew those of a key that is not the first, in one
/// transaction; then rewrites the file so that it holds none of the old texts. Whatever is
/// interrupted begins again at the next call. Call before others connect. Throws SqliteError.
Result<SecretBox> open_box(Connection& writer, const std::string& key_file);

}  // namespace vbs::db
