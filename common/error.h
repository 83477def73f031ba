#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace vbs {

/// The closed list of error codes. The text form (`to_string`) is the `code` member of a
/// problem+json answer and never changes once released.
enum class ErrorCode {
  invalid_request,        ///< not understood at all: framing, JSON, unknown query parameter
  invalid_field,          ///< one named field is wrong; `Error::field` says which
  unauthenticated,        ///< no token, or one that is not known
  forbidden,              ///< known caller, role does not allow it
  not_found,              ///< no such resource for this caller
  method_not_allowed,     ///< the path exists, the method does not
  conflict,               ///< the resource's state does not allow it
  operation_in_progress,  ///< another operation holds the resource; `Error::operation` says which
  idempotency_mismatch,   ///< the key was used with another request
  already_exists,         ///< a name or a device that is taken
  quota_exceeded,         ///< the project's limit
  request_too_large,      ///< header or body above the limit
  insufficient_space,     ///< no volume server has the room (or the disk is full)
  stale_generation,       ///< a delegate saw a newer order for the same attachment
  node_unavailable,       ///< a delegate does not answer
  database_unavailable,   ///< locked, read-only or damaged database
  overloaded,             ///< queue full; try again later
  timeout,                ///< no answer in time: the outcome is unknown
  internal,               ///< a defect of this program
};

/// `invalid_request` -> "invalid-request".
std::string_view to_string(ErrorCode code);
/// The inverse; unknown text gives `internal`.
ErrorCode error_code_from(std::string_view text);
/// HTTP status for a code (RFC 9110; 507 from RFC 4918).
unsigned http_status(ErrorCode code);
/// Whether the same request may succeed later without anybody changing anything.
bool is_transient(ErrorCode code);

/// What went wrong, for whom, and what to do about it: `message` is one sentence or two for a
/// person, without secrets.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string field;      ///< request field at fault, "" if none
  std::string node;       ///< node at fault, "" if none
  std::string operation;  ///< operation id involved, "" if none
};

template <class T = void>
using Result = tl::expected<T, Error>;

/// `return fail(ErrorCode::not_found, "...")` from any function returning Result<T>.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message), {}, {}, {}});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> fail_field(std::string field, std::string message) {
  return tl::unexpected<Error>(
      Error{ErrorCode::invalid_field, std::move(message), std::move(field), {}, {}});
}

/// "invalid-field: size_bytes: must be ..." for logs and terminals.
std::string describe(const Error& error);
/// Text of an errno value, thread-safe.
std::string errno_text(int number);

}  // namespace vbs
