#pragma once

#include "common/http/message.h"

namespace vbs::http {

/// `problem(error)` under another status than the error's own, for refusals that HTTP has a status
/// of its own for (408, 417, 431).
Response problem_with_status(const Error& error, unsigned status);

/// "Not Found" (RFC 9110, section 15); "Unknown" for a status without a name.
std::string_view reason_phrase(unsigned status);

}  // namespace vbs::http
