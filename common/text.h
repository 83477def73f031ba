#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vbs {

/// Valid UTF-8 (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text);
/// The text with every byte that is no UTF-8 replaced by U+FFFD, for output that tools gave us.
std::string to_utf8(std::string_view text);
/// Valid UTF-8 without control characters (C0, DEL, C1) and line or paragraph separators.
bool is_printable_utf8(std::string_view text);
/// Text from outside for a message: at most so many characters, the rest "...", and '?' for
/// whatever does not print.
std::string printable(std::string_view text, std::size_t max_characters);
/// The same between quotes, with at most 40 characters.
std::string quote(std::string_view text);

}  // namespace vbs
