#include "cli/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/support.h"

namespace vbs::cli {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kFirst = "019a1b2c-3d4e-7f60-8182-93a4b5c6d7e8";
constexpr const char* kSecond = "019a1b2c-3d4e-7f60-8182-93a4b5c6d7e9";

std::string element(const std::string& id, const std::string& name) {
  return R"({"id":")" + id + R"(","name":")" + name + R"("})";
}

/// Answers lists: `by_name` for name=, `by_prefix` for id_prefix=.
ScriptedTransport::Script lists(const std::string& by_name, const std::string& by_prefix) {
  return [=](const http::Request& request) {
    const bool name = request.query_value("name").has_value();
    return json_answer("{\"volumes\":[" + (name ? by_name : by_prefix) + "],\"next\":null}");
  };
}

TEST(Resolve, AnIdIsTakenAsItIs) {
  ServiceFixture f(lists("", ""));
  EXPECT_EQ(resolve(f.service, Noun::volume, kFirst), kFirst);
  EXPECT_EQ(resolve(f.service, Noun::volume, "019A1B2C-3D4E-7F60-8182-93A4B5C6D7E8"), kFirst);
  EXPECT_THAT(f.transport.requests, IsEmpty());
}

TEST(Resolve, ANameGoesBeforeAPrefix) {
  ServiceFixture f(lists(element(kFirst, "beef"), element(kSecond, "x")));
  EXPECT_EQ(resolve(f.service, Noun::volume, "beef"), kFirst);
  EXPECT_THAT(f.transport.requests, SizeIs(1));
}

TEST(Resolve, ThenAPrefixInCanonicalForm) {
  ServiceFixture f(lists("", element(kSecond, "x")));
  EXPECT_EQ(resolve(f.service, Noun::volume, "019A1B2C3D"), kSecond);
  EXPECT_EQ(f.transport.requests.back().query_value("id_prefix"), "019a1b2c-3d");
}

TEST(Resolve, ThreeCharactersAreNoPrefix) {
  ServiceFixture f(lists("", element(kFirst, "x")));
  const auto id = resolve(f.service, Noun::volume, "019");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::not_found);
  EXPECT_THAT(f.transport.requests, SizeIs(1)) << "asked by name only";
}

TEST(Resolve, SeveralThatFitAreListed) {
  ServiceFixture f(lists("", element(kFirst, "db") + "," + element(kSecond, "web")));
  const auto id = resolve(f.service, Noun::volume, "019a");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::invalid_request);
  EXPECT_THAT(id.error().message, HasSubstr(std::string(kFirst) + " (db)"));
  EXPECT_THAT(id.error().message, HasSubstr(std::string(kSecond) + " (web)"));
}

TEST(Resolve, OperationsHaveNoNames) {
  ServiceFixture f([](const http::Request& request) {
    EXPECT_FALSE(request.query_value("name"));
    return json_answer(R"({"operations":[],"next":null})");
  });
  EXPECT_FALSE(resolve(f.service, Noun::operation, "create-volume"));
  EXPECT_THAT(f.transport.requests, IsEmpty());
  EXPECT_FALSE(resolve(f.service, Noun::operation, "abcd"));
  EXPECT_THAT(f.transport.requests, SizeIs(1));
}

TEST(Resolve, TextThatIsNoNameIsNotSearchedAsOne) {
  ServiceFixture f(lists(element(kFirst, "x"), ""));
  EXPECT_FALSE(resolve(f.service, Noun::volume, "a/b"));
  EXPECT_THAT(f.transport.requests, IsEmpty());
}

TEST(Resolve, AnIdInAnAnswerMustBeOne) {
  ServiceFixture f(lists(element("../nodes", "db"), ""));
  const auto id = resolve(f.service, Noun::volume, "db");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::internal);
}

}  // namespace
}  // namespace vbs::cli
