#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace vbs::db {

/// The text of an `error` column: code, message, field, node, operation.
std::string error_to_json(const Error& error);
/// Throws SqliteError where it is not such a text.
Error error_from_json(std::string_view text);

}  // namespace vbs::db
