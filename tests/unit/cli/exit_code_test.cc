#include "cli/exit_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/cli/repository.h"

namespace vbs::cli {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

/// Every code with what `vbs` exits with when a request is refused so.
const std::vector<std::pair<ErrorCode, ExitCode>> kCodes{
    {ErrorCode::invalid_request, ExitCode::usage},
    {ErrorCode::invalid_field, ExitCode::usage},
    {ErrorCode::unauthenticated, ExitCode::not_allowed},
    {ErrorCode::forbidden, ExitCode::not_allowed},
    {ErrorCode::not_found, ExitCode::not_found},
    {ErrorCode::method_not_allowed, ExitCode::usage},
    {ErrorCode::conflict, ExitCode::conflict},
    {ErrorCode::operation_in_progress, ExitCode::conflict},
    {ErrorCode::idempotency_mismatch, ExitCode::conflict},
    {ErrorCode::already_exists, ExitCode::conflict},
    {ErrorCode::quota_exceeded, ExitCode::no_space},
    {ErrorCode::request_too_large, ExitCode::usage},
    {ErrorCode::insufficient_space, ExitCode::no_space},
    {ErrorCode::stale_generation, ExitCode::conflict},
    {ErrorCode::node_unavailable, ExitCode::unavailable},
    {ErrorCode::database_unavailable, ExitCode::unavailable},
    {ErrorCode::overloaded, ExitCode::unavailable},
    {ErrorCode::timeout, ExitCode::unavailable},
    {ErrorCode::internal, ExitCode::failed},
};

TEST(ExitCode, OfARefusedRequest) {
  for (const auto& [code, exit_code] : kCodes) {
    EXPECT_EQ(exit_code_of(code), exit_code) << to_string(code);
  }
}

TEST(ExitCode, AFailedOperationIsOneUnlessRoomIsMissing) {
  EXPECT_EQ(exit_code_of_failed_operation(ErrorCode::conflict), ExitCode::failed);
  EXPECT_EQ(exit_code_of_failed_operation(ErrorCode::timeout), ExitCode::failed);
  EXPECT_EQ(exit_code_of_failed_operation(ErrorCode::internal), ExitCode::failed);
  EXPECT_EQ(exit_code_of_failed_operation(ErrorCode::insufficient_space), ExitCode::no_space);
}

TEST(ExitCode, TheHelpListsEveryNumber) {
  for (const char* number :
       {"  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  6  ", "  7  ", "  8  ", "130  "}) {
    EXPECT_THAT(exit_code_help(), HasSubstr(number));
  }
}

TEST(OpenApi, ListsTheErrorCodesInTheirOrder) {
  std::istringstream lines(testing::source_file("docs/api/openapi.yaml"));
  std::vector<std::string> listed;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("    ") && line[4] != ' ') inside = line == "    ErrorCode:";
    if (inside && line.starts_with("        - ")) listed.push_back(line.substr(10));
  }
  std::vector<std::string> expected;
  for (const auto& [code, exit_code] : kCodes) expected.emplace_back(to_string(code));
  EXPECT_THAT(listed, ElementsAreArray(expected));
}

}  // namespace
}  // namespace vbs::cli
