#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "common/http/client.h"
#include "common/http/message.h"

namespace vbs::http {

/// The Date field's value (RFC 9110, section 5.6.7), made anew only when the second changes. One
/// thread.
class DateCache {
 public:
  std::string_view now();

 private:
  std::time_t second_ = -1;
  std::string text_;
};

enum class Persistence { keep_alive, keep_alive_http10, close };

/// What an answer's head says beyond the response itself.
struct ResponseContext {
  Persistence persistence = Persistence::keep_alive;
  std::string_view date;
  std::string_view request_id;
};

/// Whether a handler's answer can be sent: a final status and fields that stay on their lines.
bool is_sendable(const Response& response);

/// 204 and 304 have no body and no length (RFC 9110, section 8.6).
bool has_no_body(unsigned status);

/// Appends status line and fields with the empty line. Fields about framing and those named in
/// Response that a handler set itself are left out.
void append_head(std::string& out, const Response& response, const ResponseContext& context);

/// The head of a request; an error names the field that cannot be sent.
Result<std::string> format_head(const Endpoint& endpoint, const Request& request);

}  // namespace vbs::http
