#include <gmock/gmock.h>

#include <functional>

#include "common/json.h"

namespace vbs::json {
namespace {

Value document(std::string_view text) {
  return parse(text).value();
}

TEST(JsonFields, ReadsEveryType) {
  const Value value = document(R"({"s":"x","i":-3,"u":18446744073709551615,"b":true,
                                 "m":{"k":"v"},"o":{"x":1},"a":[1,2]})");
  Fields fields(value);
  EXPECT_EQ(fields.string("s"), "x");
  EXPECT_EQ(fields.int64("i"), -3);
  EXPECT_EQ(fields.uint64("u"), ~std::uint64_t{0});
  EXPECT_TRUE(fields.boolean("b"));
  EXPECT_EQ(fields.string_map("m"), (std::map<std::string, std::string>{{"k", "v"}}));
  ASSERT_NE(fields.object("o"), nullptr);
  EXPECT_NE(fields.object("o")->find("x"), nullptr);
  EXPECT_EQ(fields.array("a")->size(), 2U);
  EXPECT_TRUE(fields.finish());
}

TEST(JsonFields, NullCountsAsAbsent) {
  for (const char* text : {"{}", R"({"k":null})"}) {
    const Value value = document(text);
    Fields fields(value);
    EXPECT_EQ(fields.optional_string("k"), std::nullopt);
    EXPECT_EQ(fields.optional_int64("k"), std::nullopt);
    EXPECT_EQ(fields.optional_uint64("k"), std::nullopt);
    EXPECT_TRUE(fields.boolean_or("k", true));
    EXPECT_FALSE(fields.boolean_or("k", false));
    EXPECT_TRUE(fields.string_map("k").empty());
    EXPECT_EQ(fields.optional_object("k"), nullptr);
    EXPECT_EQ(fields.optional_array("k"), nullptr);
    EXPECT_TRUE(fields.finish());
  }
}

struct ErrorCase {
  const char* text;
  std::function<void(Fields&)> read;
  const char* field;
  const char* message;
};

TEST(JsonFields, SaysWhatIsWrong) {
  const ErrorCase cases[] = {
      {"{}", [](Fields& f) { f.string("name"); }, "name", "is required"},
      {R"({"name":null})", [](Fields& f) { f.string("name"); }, "name", "is required"},
      {"{}", [](Fields& f) { f.boolean("b"); }, "b", "is required"},
      {"{}", [](Fields& f) { f.object("o"); }, "o", "is required"},
      {"{}", [](Fields& f) { f.array("a"); }, "a", "is required"},
      {R"({"size_bytes":"1"})", [](Fields& f) { f.uint64("size_bytes"); }, "size_bytes",
       "must be an integer (bytes), got a string"},
      {R"({"lease_ms":true})", [](Fields& f) { f.int64("lease_ms"); }, "lease_ms",
       "must be an integer (milliseconds), got a boolean"},
      {R"({"n":1.5})", [](Fields& f) { f.int64("n"); }, "n",
       "must be an integer, got a number that is no 64-bit integer"},
      {R"({"n":1.0})", [](Fields& f) { f.optional_uint64("n"); }, "n",
       "must be an integer, got a number that is no 64-bit integer"},
      {R"({"n":18446744073709551616})", [](Fields& f) { f.uint64("n"); }, "n",
       "must be an integer, got a number that is no 64-bit integer"},
      {R"({"n":-1})", [](Fields& f) { f.uint64("n"); }, "n", "must not be negative"},
      {R"({"n":9223372036854775808})", [](Fields& f) { f.optional_int64("n"); }, "n",
       "must be less than 2^63"},
      {R"({"n":{}})", [](Fields& f) { f.string("n"); }, "n", "must be a string, got an object"},
      {R"({"n":[]})", [](Fields& f) { f.optional_string("n"); }, "n",
       "must be a string, got an array"},
      {R"({"n":"true"})", [](Fields& f) { f.boolean("n"); }, "n",
       "must be true or false, got a string"},
      {R"({"n":0})", [](Fields& f) { f.boolean_or("n", true); }, "n",
       "must be true or false, got an integer"},
      {R"({"n":[]})", [](Fields& f) { f.object("n"); }, "n", "must be an object, got an array"},
      {R"({"n":{}})", [](Fields& f) { f.array("n"); }, "n", "must be an array, got an object"},
      {R"({"m":[]})", [](Fields& f) { f.string_map("m"); }, "m",
       "must be an object of strings, got an array"},
      {R"({"m":{"a":"x","b":1}})", [](Fields& f) { f.string_map("m"); }, "m.b",
       "must be a string, got an integer"},
      {R"({"colour":1})", [](Fields& f) { f.optional_string("name"), f.optional_int64("size"); },
       "colour", "\"colour\" is not a field here; fields: name, size"},
  };
  for (const ErrorCase& c : cases) {
    SCOPED_TRACE(c.text);
    const Value value = document(c.text);
    Fields fields(value);
    c.read(fields);
    const auto finished = fields.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::invalid_field);
    EXPECT_EQ(finished.error().field, c.field);
    EXPECT_EQ(finished.error().message, c.message);
  }
}

TEST(JsonFields, TheFirstErrorStaysAndGettersGiveDefaults) {
  const Value value = document(R"({"a":1,"b":"text","c":7,"unknown":0})");
  Fields fields(value);
  EXPECT_EQ(fields.string("a"), "");
  EXPECT_FALSE(fields.ok());
  EXPECT_EQ(fields.int64("b"), 0);
  EXPECT_EQ(fields.int64("c"), 0);
  fields.reject("c", "later");
  EXPECT_EQ(fields.finish().error().field, "a");
}

TEST(JsonFields, PrefixComesBeforeEveryName) {
  const Value value = document(R"({"kind":1})");
  Fields wrong_type(value, "source.");
  wrong_type.string("kind");
  EXPECT_EQ(wrong_type.finish().error().field, "source.kind");
  Fields unknown(value, "source.");
  unknown.optional_string("id");
  EXPECT_EQ(unknown.finish().error().field, "source.kind");
}

TEST(JsonFields, WantsAnObject) {
  for (const char* text : {"null", "[]", "\"x\"", "1"}) {
    const Value value = document(text);
    Fields whole(value);
    EXPECT_EQ(whole.string("a"), "");
    const auto finished = whole.finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::invalid_request);
    EXPECT_THAT(finished.error().message, testing::HasSubstr("must be an object, got "));

    Fields inner(value, "source.");
    EXPECT_EQ(inner.finish().error().field, "source");
    EXPECT_EQ(inner.finish().error().code, ErrorCode::invalid_field);
  }
}

TEST(JsonFields, RejectKeepsOtherErrorsWhole) {
  const Value value = document("{}");
  Fields fields(value, "p.");
  fields.reject(Error{ErrorCode::conflict, "taken", "q", "node1", ""});
  const auto error = fields.finish().error();
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_EQ(error.field, "q");
  EXPECT_EQ(error.node, "node1");
}

TEST(JsonFields, IgnoreUnknown) {
  const Value value = document(R"({"a":"x","new":[1]})");
  Fields fields(value);
  fields.ignore_unknown();
  EXPECT_EQ(fields.string("a"), "x");
  EXPECT_TRUE(fields.finish());
}

TEST(JsonFields, UnknownNamesAreShownShort) {
  const Value value = document("{\"" + std::string(5'000, 'x') + "\":1}");
  Fields fields(value);
  fields.optional_string("name");
  EXPECT_LT(fields.finish().error().message.size(), 100U);
}

}  // namespace
}  // namespace vbs::json
