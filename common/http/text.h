#pragma once

#include <string_view>

namespace vbs::http {

/// Comparison of ASCII text without case, as HTTP compares field names and tokens.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// A token (RFC 9110, section 5.6.2): what a field name or a method may consist of.
bool is_token(std::string_view text);

/// Whether a field with this name and value may be written to a connection: a token, and a value
/// without control characters, so that no value can end its line.
bool is_valid_field(std::string_view name, std::string_view value);

/// 1 to 64 characters of [A-Za-z0-9._-]: a request id that is safe in logs and answers.
bool is_request_id(std::string_view text);

/// `path` is `prefix` itself or lies below it.
bool has_path_prefix(std::string_view path, std::string_view prefix);

}  // namespace vbs::http
