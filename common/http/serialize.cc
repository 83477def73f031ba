#include "common/http/serialize.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "common/http/problem_status.h"
#include "common/http/target.h"
#include "common/http/text.h"

namespace vbs::http {

namespace {

constexpr std::array<std::string_view, 7> kOwnFields = {
    "Content-Length", "Transfer-Encoding", "Connection", "Date",
    "Keep-Alive",     "Trailer",           "Upgrade"};

bool is_own_field(std::string_view name) {
  return std::any_of(kOwnFields.begin(), kOwnFields.end(),
                     [&](std::string_view own) { return equal_ignoring_case(own, name); });
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string_view DateCache::now() {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t second = std::time(nullptr);
  if (second == second_) return text_;
  second_ = second;
  std::tm utc{};
  ::gmtime_r(&second, &utc);
  // Not strftime: its names follow the process's locale.
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d GMT", kDays[utc.tm_wday],
                utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                utc.tm_sec);
  text_ = text.data();
  return text_;
}

bool has_no_body(unsigned status) {
  return status == 204 || status == 304;
}

bool is_sendable(const Response& response) {
  if (response.status < 200 || response.status > 599) return false;
  if (!is_valid_field("Content-Type", response.content_type)) return false;
  const auto& fields = response.headers.all();
  return std::all_of(fields.begin(), fields.end(),
                     [](const auto& field) { return is_valid_field(field.first, field.second); });
}

void append_head(std::string& out, const Response& response, const ResponseContext& context) {
  out.append("HTTP/1.1 ");
  append_number(out, response.status);
  out.append(" ").append(reason_phrase(response.status)).append("\r\n");
  append_field(out, "Date", context.date);
  if (!has_no_body(response.status)) {
    if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  if (context.persistence == Persistence::close) append_field(out, "Connection", "close");
  if (context.persistence == Persistence::keep_alive_http10) {
    append_field(out, "Connection", "keep-alive");
  }
  append_field(out, "X-Request-Id", context.request_id);
  for (const auto& [name, value] : response.headers.all()) {
    if (is_own_field(name) || equal_ignoring_case(name, "Content-Type") ||
        equal_ignoring_case(name, "X-Request-Id")) {
      continue;
    }
    append_field(out, name, value);
  }
  out.append("\r\n");
}

Result<std::string> format_head(const Endpoint& endpoint, const Request& request) {
  if (request.method == Method::other) {
    return fail(ErrorCode::invalid_request, "the client cannot send this method");
  }
  if (!request.path.starts_with('/')) {
    return fail(ErrorCode::invalid_request, "the path of a request must start with '/'");
  }
  std::string out;
  out.reserve(256);
  out.append(to_string(request.method)).append(" ");
  out.append(format_target(request.path, request.query)).append(" HTTP/1.1\r\n");
  append_field(out, "Host", endpoint.authority());
  const bool may_have_body = request.method == Method::post || request.method == Method::put ||
                             request.method == Method::patch;
  if (may_have_body || !request.body.empty()) {
    out.append("Content-Length: ");
    append_number(out, request.body.size());
    out.append("\r\n");
  }
  if (!request.body.empty() && !request.headers.find("Content-Type")) {
    append_field(out, "Content-Type", "application/json");
  }
  const bool has_id = is_request_id(request.id);
  if (has_id) append_field(out, "X-Request-Id", request.id);
  for (const auto& [name, value] : request.headers.all()) {
    if (!is_valid_field(name, value)) {
      // Not the value: it may be a token.
      return fail(ErrorCode::invalid_request, "a header field to be sent is malformed");
    }
    if (is_own_field(name) || equal_ignoring_case(name, "Host")) continue;
    if (has_id && equal_ignoring_case(name, "X-Request-Id")) continue;
    append_field(out, name, value);
  }
  out.append("\r\n");
  return out;
}

}  // namespace vbs::http
