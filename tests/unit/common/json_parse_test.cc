#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/json.h"

namespace vbs::json {
namespace {

using testing::HasSubstr;

Value parsed(std::string_view text) {
  auto value = parse(text);
  EXPECT_TRUE(value) << text << ": " << describe(value.error());
  return value.value_or(Value());
}

std::string refusal(std::string_view text, const Limits& limits = {}) {
  const auto value = parse(text, limits);
  EXPECT_FALSE(value) << text.substr(0, 100);
  if (value) return "";
  EXPECT_EQ(value.error().code, ErrorCode::invalid_request);
  return value.error().message;
}

TEST(JsonParse, Scalars) {
  EXPECT_TRUE(parsed("null").is_null());
  EXPECT_EQ(*parsed("true").as<bool>(), true);
  EXPECT_EQ(*parsed(" false\n").as<bool>(), false);
  EXPECT_EQ(*parsed("\"a\\u00fc\\n\"").as<std::string>(), "a\xC3\xBC\n");
  EXPECT_EQ(*parsed("\"\\ud83d\\udcbe\"").as<std::string>(), "\xF0\x9F\x92\xBE");
  EXPECT_EQ(*parsed("\"a\\u0000b\"").as<std::string>(), std::string("a\0b", 3));
}

TEST(JsonParse, IntegersAreExact) {
  const std::int64_t cases[] = {0,
                                1,
                                -1,
                                2147483647,
                                2147483648,
                                -2147483648LL,
                                -2147483649LL,
                                9007199254740993,
                                std::numeric_limits<std::int64_t>::max(),
                                std::numeric_limits<std::int64_t>::min()};
  for (const std::int64_t number : cases) {
    const Value value = parsed(std::to_string(number));
    ASSERT_NE(value.as<std::int64_t>(), nullptr) << number;
    EXPECT_EQ(*value.as<std::int64_t>(), number);
  }
  EXPECT_EQ(*parsed("-0").as<std::int64_t>(), 0);
  EXPECT_EQ(*parsed("18446744073709551615").as<std::uint64_t>(), ~std::uint64_t{0});
  EXPECT_EQ(*parsed("9223372036854775808").as<std::uint64_t>(), std::uint64_t{1} << 63);
}

TEST(JsonParse, OtherNumbersAreDoubles) {
  EXPECT_EQ(*parsed("18446744073709551616").as<double>(), std::ldexp(1.0, 64));
  EXPECT_EQ(*parsed("-9223372036854775809").as<double>(), -std::ldexp(1.0, 63));
  EXPECT_EQ(*parsed("1.0").as<double>(), 1.0);
  EXPECT_EQ(*parsed("1e3").as<double>(), 1000.0);
  EXPECT_EQ(*parsed("0.1").as<double>(), 0.1);
  EXPECT_EQ(*parsed("1.7976931348623157e308").as<double>(), std::numeric_limits<double>::max());
  EXPECT_TRUE(std::signbit(*parsed("-0.0").as<double>()));
  EXPECT_EQ(*parsed("0e-40").as<double>(), 0.0);
}

TEST(JsonParse, ObjectsKeepTheirOrder) {
  const Value value = parsed(R"({"b":1,"a":[true,{"x":null}],"":"e"})");
  const auto* members = value.as<Value::Object>();
  ASSERT_NE(members, nullptr);
  ASSERT_EQ(members->size(), 3U);
  EXPECT_EQ((*members)[0].first, "b");
  EXPECT_EQ((*members)[1].first, "a");
  EXPECT_EQ((*members)[2].first, "");
  const auto* items = value.find("a")->as<Value::Array>();
  ASSERT_EQ(items->size(), 2U);
  EXPECT_TRUE((*items)[1].find("x")->is_null());
  EXPECT_EQ(value.find("c"), nullptr);
  EXPECT_EQ(parsed("[]").find("c"), nullptr);
}

TEST(JsonParse, NotJson) {
  const std::vector<std::string> bad{"",
                                     " ",
                                     "{",
                                     "[1,]",
                                     "{\"a\":1,}",
                                     "{a:1}",
                                     "{'a':1}",
                                     "nul",
                                     "nullx",
                                     "01",
                                     "+1",
                                     "1.",
                                     ".5",
                                     "- 1",
                                     "0x10",
                                     "NaN",
                                     "Infinity",
                                     "1e",
                                     "1e400",
                                     "-1e400",
                                     "1.8e308",
                                     "\"abc",
                                     "\"a\nb\"",
                                     "\"\\x\"",
                                     "\"\\u12g4\"",
                                     "1 2",
                                     "{}{}",
                                     "{} x",
                                     "[1] ,",
                                     "// c\n1",
                                     "/* c */1",
                                     "\xEF\xBB\xBF{}",
                                     "]",
                                     "[}"};
  for (const std::string& text : bad) {
    EXPECT_THAT(refusal(text), HasSubstr("not valid JSON at byte ")) << text;
  }
}

TEST(JsonParse, StringsMustBeUtf8) {
  for (const std::string& inside :
       {std::string("\xFF"), std::string("\xC3"), std::string("\xC0\xAF"),
        std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80"), std::string("\\ud800"),
        std::string("\\udc00"), std::string("\\ud800\\ud800"), std::string("\\ud800x"),
        std::string("\\udcbe\\ud83d")}) {
    refusal("\"" + inside + "\"");
    refusal("{\"" + inside + "\":1}");
  }
}

TEST(JsonParse, NulEndsNothing) {
  EXPECT_THAT(refusal(std::string("{}\0garbage", 10)), HasSubstr("byte 2: a NUL byte"));
  EXPECT_THAT(refusal(std::string("\"a\0b\"", 5)), HasSubstr("NUL"));
  EXPECT_THAT(refusal(std::string("\0", 1)), HasSubstr("NUL"));
}

TEST(JsonParse, DuplicateKeys) {
  EXPECT_THAT(refusal(R"({"a":1,"b":2,"a":1})"),
              HasSubstr("the member \"a\" stands twice in one object"));
  EXPECT_THAT(refusal(R"([{"x":{"a":1,"\u0061":2}}])"), HasSubstr("\"a\" stands twice"));
  parsed(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})");
}

TEST(JsonParse, DepthBombs) {
  const std::string message = "nested deeper than 16 levels";
  EXPECT_THAT(refusal(std::string(1'000'000, '[')), HasSubstr(message));
  std::string objects;
  for (int i = 0; i < 150'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(refusal(objects), HasSubstr(message));

  parsed(std::string(16, '[') + std::string(16, ']'));
  EXPECT_THAT(refusal(std::string(17, '[') + std::string(17, ']')), HasSubstr(message));
}

TEST(JsonParse, TheDepthIsTheCallersToChoose) {
  const Limits limits{.max_bytes = 1 << 20, .max_depth = 200, .max_values = 100'000};
  EXPECT_TRUE(parse(std::string(200, '[') + std::string(200, ']'), limits));
  EXPECT_THAT(refusal(std::string(201, '['), limits), HasSubstr("deeper than 200 levels"));
}

TEST(JsonParse, CountsValues) {
  const Limits limits{.max_bytes = 1 << 20, .max_depth = 16, .max_values = 4};
  EXPECT_TRUE(parse("[1,2,3]", limits));
  EXPECT_THAT(refusal("[1,2,3,4]", limits), HasSubstr("more than 4 values"));
  EXPECT_THAT(refusal("[[],[],[],[]]", limits), HasSubstr("more than 4 values"));
  EXPECT_THAT(refusal(R"({"a":1,"b":{"c":1,"d":2}})", limits), HasSubstr("more than 4 values"));
}

TEST(JsonParse, AnObjectOfManyMembersIsNoTrap) {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  text += "\"k77\":0}";
  EXPECT_THAT(refusal(text), HasSubstr("\"k77\" stands twice"));
}

TEST(JsonParse, Size) {
  const Limits limits{.max_bytes = 10, .max_depth = 16, .max_values = 100};
  EXPECT_TRUE(parse("[1,2,3,45]", limits));
  const auto value = parse("[1,2,3,456]", limits);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ErrorCode::request_too_large);
  EXPECT_EQ(value.error().message, "the JSON text is 11 bytes, at most 10 are accepted");
}

TEST(JsonParse, MessagesSayWhereAndAreShort) {
  EXPECT_THAT(refusal("{\"a\":tru}"), HasSubstr("at byte "));
  const std::string key(100'000, 'k');
  EXPECT_LT(refusal("{\"" + key + "\":1,\"" + key + "\":2}").size(), 200U);
}

}  // namespace
}  // namespace vbs::json
