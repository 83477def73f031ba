#include "common/http/framing.h"

#include <algorithm>

#include "common/http/text.h"

namespace vbs::http {

namespace {

constexpr std::size_t kMaxFields = 100;

Verdict malformed(const char* reason) {
  return {Fault::malformed, reason};
}

bool is_decimal(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Verdict HeadScanner::scan(std::string_view bytes, std::size_t& length) {
  length = 0;
  if (!bytes.empty() && !is_token(bytes.substr(0, 1))) return malformed("this is not HTTP/1.1");
  const std::string_view head = bytes.substr(0, limit_);
  while (true) {
    const std::size_t lf = head.find('\n', line_start_);
    if (lf == std::string_view::npos) break;
    if (lf == line_start_ || head[lf - 1] != '\r') {
      return malformed("every header line must end with CR LF");
    }
    if (lf == line_start_ + 1) {
      length = lf + 1;
      return {};
    }
    const char first = head[line_start_];
    if (first == ' ' || first == '\t') return malformed("folded header fields are not allowed");
    line_start_ = lf + 1;
  }
  if (bytes.size() >= limit_) return {Fault::header_too_large, "the header is too large"};
  return {};
}

Verdict FieldRules::add(std::string_view name, std::string_view value) {
  if (++fields_ > kMaxFields) return {Fault::header_too_large, "more than 100 header fields"};
  if (equal_ignoring_case(name, "Host")) {
    ++hosts_;
  } else if (equal_ignoring_case(name, "Content-Length")) {
    if (!is_decimal(value)) return malformed("Content-Length must be one decimal number");
    if (has_length_) return malformed("more than one Content-Length");
    has_length_ = true;
  } else if (equal_ignoring_case(name, "Transfer-Encoding")) {
    if (!equal_ignoring_case(value, "chunked")) {
      return malformed("the only transfer coding known here is 'chunked'");
    }
    if (chunked_) return malformed("more than one Transfer-Encoding");
    chunked_ = true;
  }
  if (has_length_ && chunked_) return malformed("Content-Length beside Transfer-Encoding");
  return {};
}

Verdict FieldRules::finish_request(bool http11) const {
  if (hosts_ > 1 || (http11 && hosts_ == 0)) return malformed("exactly one Host field is needed");
  if (!http11 && chunked_) return malformed("HTTP/1.0 has no transfer codings");
  return {};
}

Verdict FieldRules::finish_response(bool http11, bool has_body) const {
  if (!http11 && chunked_) return malformed("HTTP/1.0 has no transfer codings");
  if (has_body && !has_length_ && !chunked_) return malformed("the answer states no length");
  return {};
}

}  // namespace vbs::http
