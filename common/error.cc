#include "common/error.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace vbs {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view text;
  unsigned status;
  bool transient;
};

// In the order of the enumeration, which error_test.cc checks.
constexpr std::array kCodes{
    CodeRow{ErrorCode::invalid_request, "invalid-request", 400, false},
    CodeRow{ErrorCode::invalid_field, "invalid-field", 400, false},
    CodeRow{ErrorCode::unauthenticated, "unauthenticated", 401, false},
    CodeRow{ErrorCode::forbidden, "forbidden", 403, false},
    CodeRow{ErrorCode::not_found, "not-found", 404, false},
    CodeRow{ErrorCode::method_not_allowed, "method-not-allowed", 405, false},
    CodeRow{ErrorCode::conflict, "conflict", 409, false},
    CodeRow{ErrorCode::operation_in_progress, "operation-in-progress", 409, true},
    CodeRow{ErrorCode::idempotency_mismatch, "idempotency-mismatch", 409, false},
    CodeRow{ErrorCode::already_exists, "already-exists", 409, false},
    CodeRow{ErrorCode::quota_exceeded, "quota-exceeded", 403, false},
    CodeRow{ErrorCode::request_too_large, "request-too-large", 413, false},
    CodeRow{ErrorCode::insufficient_space, "insufficient-space", 507, false},
    CodeRow{ErrorCode::stale_generation, "stale-generation", 409, false},
    CodeRow{ErrorCode::node_unavailable, "node-unavailable", 503, true},
    CodeRow{ErrorCode::database_unavailable, "database-unavailable", 503, true},
    CodeRow{ErrorCode::overloaded, "overloaded", 503, true},
    CodeRow{ErrorCode::timeout, "timeout", 504, true},
    CodeRow{ErrorCode::internal, "internal", 500, false},
};

const CodeRow& row_of(ErrorCode code) {
  const auto* row =
      std::find_if(kCodes.begin(), kCodes.end(), [&](const CodeRow& r) { return r.code == code; });
  return row == kCodes.end() ? kCodes.back() : *row;
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  return row_of(code).text;
}

ErrorCode error_code_from(std::string_view text) {
  const auto* row =
      std::find_if(kCodes.begin(), kCodes.end(), [&](const CodeRow& r) { return r.text == text; });
  return row == kCodes.end() ? ErrorCode::internal : row->code;
}

unsigned http_status(ErrorCode code) {
  return row_of(code).status;
}

bool is_transient(ErrorCode code) {
  return row_of(code).transient;
}

std::string describe(const Error& error) {
  std::string text(to_string(error.code));
  if (!error.field.empty()) text.append(": ").append(error.field);
  text.append(": ").append(error.message);
  if (!error.node.empty()) text.append(" (node ").append(error.node).append(")");
  if (!error.operation.empty()) text.append(" (operation ").append(error.operation).append(")");
  return text;
}

std::string errno_text(int number) {
  std::array<char, 128> buffer{};
  return ::strerror_r(number, buffer.data(), buffer.size());
}

}  // namespace vbs
