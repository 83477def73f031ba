#include "common/error.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <set>

namespace vbs {
namespace {

struct CodeCase {
  ErrorCode code;
  std::string_view text;
  unsigned status;
};

const CodeCase kCases[] = {
    {ErrorCode::invalid_request, "invalid-request", 400},
    {ErrorCode::invalid_field, "invalid-field", 400},
    {ErrorCode::unauthenticated, "unauthenticated", 401},
    {ErrorCode::forbidden, "forbidden", 403},
    {ErrorCode::not_found, "not-found", 404},
    {ErrorCode::method_not_allowed, "method-not-allowed", 405},
    {ErrorCode::conflict, "conflict", 409},
    {ErrorCode::operation_in_progress, "operation-in-progress", 409},
    {ErrorCode::idempotency_mismatch, "idempotency-mismatch", 409},
    {ErrorCode::already_exists, "already-exists", 409},
    {ErrorCode::quota_exceeded, "quota-exceeded", 403},
    {ErrorCode::request_too_large, "request-too-large", 413},
    {ErrorCode::insufficient_space, "insufficient-space", 507},
    {ErrorCode::stale_generation, "stale-generation", 409},
    {ErrorCode::node_unavailable, "node-unavailable", 503},
    {ErrorCode::database_unavailable, "database-unavailable", 503},
    {ErrorCode::overloaded, "overloaded", 503},
    {ErrorCode::timeout, "timeout", 504},
    {ErrorCode::internal, "internal", 500},
};

TEST(Error, EveryCodeHasItsTextAndStatus) {
  for (const CodeCase& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(to_string(c.code), c.text);
    EXPECT_EQ(error_code_from(c.text), c.code);
    EXPECT_EQ(http_status(c.code), c.status);
  }
}

TEST(Error, TheTableAboveIsComplete) {
  std::set<ErrorCode> seen;
  for (const CodeCase& c : kCases) seen.insert(c.code);
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(ErrorCode::internal) + 1);
}

TEST(Error, UnknownTextIsInternal) {
  for (const std::string_view text : {"", "teapot", "Not-Found", "not_found", "not-found "}) {
    EXPECT_EQ(error_code_from(text), ErrorCode::internal) << text;
  }
}

TEST(Error, OnlyWhatPassesByItselfIsTransient) {
  const std::set<ErrorCode> transient{ErrorCode::operation_in_progress, ErrorCode::node_unavailable,
                                      ErrorCode::database_unavailable, ErrorCode::overloaded,
                                      ErrorCode::timeout};
  for (const CodeCase& c : kCases) {
    EXPECT_EQ(is_transient(c.code), transient.contains(c.code)) << c.text;
  }
}

TEST(Error, FailFunctionsFillTheirMembers) {
  const Result<int> plain = fail(ErrorCode::conflict, "in use");
  EXPECT_EQ(plain.error().code, ErrorCode::conflict);
  EXPECT_EQ(plain.error().message, "in use");
  EXPECT_EQ(plain.error().field, "");

  const Result<> field = fail_field("name", "is required");
  EXPECT_EQ(field.error().code, ErrorCode::invalid_field);
  EXPECT_EQ(field.error().field, "name");
}

TEST(Error, DescribeSaysWhatIsKnown) {
  EXPECT_EQ(describe({ErrorCode::internal, "broken", "", "", ""}), "internal: broken");
  EXPECT_EQ(describe({ErrorCode::invalid_field, "must be 1", "size_bytes", "", ""}),
            "invalid-field: size_bytes: must be 1");
  EXPECT_EQ(describe({ErrorCode::timeout, "no answer", "", "vs1", "0190"}),
            "timeout: no answer (node vs1) (operation 0190)");
}

TEST(Error, ErrnoText) {
  EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
  EXPECT_THAT(errno_text(123456), testing::HasSubstr("123456"));
}

}  // namespace
}  // namespace vbs
