#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace vbs::cli {

/// Text from outside made harmless for a terminal: control characters (C0, DEL, C1), line and
/// paragraph separators and bidirectional controls become "\x1b" or "\u202e"; bytes that are not
/// UTF-8 become "\xNN". Everything that is printed and was not written here goes through this.
std::string escape_for_terminal(std::string_view text);
/// The same for a valid JSON text: what JSON itself leaves raw becomes \uXXXX, so that the document
/// keeps its meaning.
std::string escape_json_for_terminal(std::string_view json);

/// Columns that a terminal needs for UTF-8 text, as wcwidth(3) counts in C.UTF-8.
std::size_t display_width(std::string_view text);
/// The longest beginning of `text` that fits in `columns`.
std::string truncate_to_width(std::string_view text, std::size_t columns);

/// "2026-03-01T12:00:00.000Z" (the service's form; the fraction is optional).
std::optional<WallTime> parse_rfc3339(std::string_view text);
/// "12s", "5m", "3h", "4d": how long ago; a time in the future counts as now.
std::string format_age(WallTime then, WallTime now);

/// The canonical form of a UUID's beginning: "019A1B2C3D" -> "019a1b2c-3d". nullopt if `text` is
/// not 4 to 32 hex digits (hyphens anywhere are ignored).
std::optional<std::string> canonical_id_prefix(std::string_view text);

/// RFC 3986: everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

}  // namespace vbs::cli
