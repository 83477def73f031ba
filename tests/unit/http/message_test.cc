#include "common/http/message.h"

#include <gtest/gtest.h>

#include "common/http/text.h"
#include "common/json.h"

namespace vbs::http {
namespace {

TEST(Headers, FindWithoutCaseAndKeepTheOrder) {
  Headers headers;
  headers.set("Content-Type", "a");
  headers.add("X-Two", "1");
  headers.add("x-two", "2");
  EXPECT_EQ(headers.find("content-TYPE"), "a");
  EXPECT_EQ(headers.find("X-TWO"), "1");
  EXPECT_EQ(headers.find("X-Three"), std::nullopt);
  headers.set("CONTENT-TYPE", "b");
  ASSERT_EQ(headers.all().size(), 3u);
  EXPECT_EQ(headers.all()[0].second, "b");
  EXPECT_EQ(headers.all()[2].second, "2");
}

TEST(RequestParts, AreFoundByName) {
  Request request;
  request.query = {{"tag", "a"}, {"tag", "b"}, {"empty", ""}};
  request.params = {{"id", "7"}};
  EXPECT_EQ(request.query_value("tag"), "a");
  EXPECT_EQ(request.query_value("empty"), "");
  EXPECT_EQ(request.query_value("none"), std::nullopt);
  EXPECT_EQ(request.param("id"), "7");
  EXPECT_EQ(request.param("other"), "");
}

TEST(Problem, SaysWhatTheErrorSays) {
  const Error error{ErrorCode::operation_in_progress, "busy \"now\"", "size_bytes", "node-1",
                    "op-7"};
  const Response response = problem(error);
  EXPECT_EQ(response.status, 409u);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto document = json::parse(response.body);
  ASSERT_TRUE(document) << response.body;
  EXPECT_EQ(*document->find("title")->as<std::string>(), "Conflict");
  EXPECT_EQ(*document->find("status")->as<std::int64_t>(), 409);
  EXPECT_EQ(*document->find("type")->as<std::string>(), "about:blank");
  EXPECT_EQ(*document->find("detail")->as<std::string>(), "busy \"now\"");
  EXPECT_EQ(*document->find("code")->as<std::string>(), "operation-in-progress");

  const Error back = error_of(response);
  EXPECT_EQ(back.code, error.code);
  EXPECT_EQ(back.message, error.message);
  EXPECT_EQ(back.field, error.field);
  EXPECT_EQ(back.node, error.node);
  EXPECT_EQ(back.operation, error.operation);
}

TEST(Problem, LeavesUnknownPartsOut) {
  const Response response = problem(Error{ErrorCode::not_found, "no", {}, {}, {}});
  const auto document = json::parse(response.body);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->find("field"), nullptr);
  EXPECT_EQ(document->find("node"), nullptr);
  EXPECT_EQ(document->find("operation"), nullptr);
}

TEST(Problem, CarriesTheFieldsItsStatusNeeds) {
  EXPECT_EQ(problem(Error{ErrorCode::overloaded, "", {}, {}, {}}).headers.find("Retry-After"), "1");
  const Response response = problem(Error{ErrorCode::unauthenticated, "", {}, {}, {}});
  EXPECT_EQ(response.status, 401u);
  EXPECT_EQ(response.headers.find("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(response.headers.find("Retry-After"), std::nullopt);
}

TEST(Problem, OfAPeerHasAnEnd) {
  const std::string endless(200'000, 'x');
  const Error error = error_of(
      problem(Error{ErrorCode::conflict, "\x1B[31m" + endless, endless, endless, endless}));
  EXPECT_EQ(error.message, "?[31m" + endless.substr(0, 1'995) + "...");
  for (const std::string& name : {error.field, error.node, error.operation}) {
    EXPECT_EQ(name, endless.substr(0, 256) + "...");
  }
}

TEST(Problem, IsNotReadFromOtherBodies) {
  for (const char* body : {"", "<html>", "[]", "{}", "{\"code\":7}", "{\"code\":\"\"}"}) {
    Response response = json(502, body);
    const Error error = error_of(response);
    EXPECT_EQ(error.code, ErrorCode::internal) << body;
    EXPECT_NE(error.message.find("502"), std::string::npos) << body;
  }
}

TEST(Text, KnowsWhatMayStandInAField) {
  EXPECT_TRUE(is_valid_field("X-A", "plain \t text"));
  EXPECT_TRUE(is_valid_field("X-A", ""));
  EXPECT_FALSE(is_valid_field("", "a"));
  EXPECT_FALSE(is_valid_field("X A", "a"));
  EXPECT_FALSE(is_valid_field("X:", "a"));
  EXPECT_FALSE(is_valid_field("X", "a\rb"));
  EXPECT_FALSE(is_valid_field("X", "a\nb"));
  EXPECT_FALSE(is_valid_field("X", std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_valid_field("X", "a\x7f"));
}

TEST(Text, MatchesPathPrefixesBySegment) {
  EXPECT_TRUE(has_path_prefix("/healthz", "/healthz"));
  EXPECT_TRUE(has_path_prefix("/healthz/ready", "/healthz"));
  EXPECT_FALSE(has_path_prefix("/healthzz", "/healthz"));
  EXPECT_FALSE(has_path_prefix("/health", "/healthz"));
  EXPECT_FALSE(has_path_prefix("/anything", ""));
}

}  // namespace
}  // namespace vbs::http
