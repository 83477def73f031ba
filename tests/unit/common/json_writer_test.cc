#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "common/json.h"

namespace vbs::json {
namespace {

TEST(JsonWriter, WritesEveryKind) {
  Writer out;
  out.begin_object();
  out.member("view", std::string_view("a"));
  out.member("string", std::string("b"));
  out.member("literal", "c");
  out.member("int", 1);
  out.member("int64", std::numeric_limits<std::int64_t>::min());
  out.member("uint32", std::uint32_t{7});
  out.member("uint64", std::numeric_limits<std::uint64_t>::max());
  out.member("bool", true);
  out.member("some", std::optional<std::string>("d"));
  out.member("none", std::optional<std::string>());
  out.member("map", std::map<std::string, std::string>{{"k", "v"}, {"l", "w"}});
  out.key("list");
  out.begin_array();
  out.number(0.5);
  out.null();
  out.boolean(false);
  out.raw("{\"stored\":[1]}");
  out.end_array();
  out.end_object();
  EXPECT_EQ(out.take(),
            R"({"view":"a","string":"b","literal":"c","int":1,"int64":-9223372036854775808,)"
            R"("uint32":7,"uint64":18446744073709551615,"bool":true,"some":"d","none":null,)"
            R"("map":{"k":"v","l":"w"},"list":[0.5,null,false,{"stored":[1]}]})");
}

TEST(JsonWriter, Escapes) {
  Writer out;
  out.string(std::string("\"\\/\b\f\n\r\t\x01\x7F \0 \xC3\xBC", 15));
  const std::string text = out.take();
  EXPECT_EQ(text, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7F \\u0000 \xC3\xBC\"");
  EXPECT_EQ(*parse(text)->as<std::string>(),
            std::string("\"\\/\b\f\n\r\t\x01\x7F \0 \xC3\xBC", 15));
}

TEST(JsonWriter, BytesThatAreNoTextBecomeReplacementCharacters) {
  Writer out;
  out.string("disk \xFF full");
  EXPECT_EQ(out.take(), "\"disk \xEF\xBF\xBD full\"");
}

TEST(JsonWriter, EmptyViewsAreEmptyTexts) {
  Writer out;
  out.begin_object();
  out.member(std::string_view(), std::string_view());
  out.end_object();
  EXPECT_EQ(out.take(), R"({"":""})");
}

TEST(JsonWriter, NumbersThatJsonCannotSayAreNull) {
  Writer out;
  out.begin_array();
  out.number(std::numeric_limits<double>::infinity());
  out.number(std::numeric_limits<double>::quiet_NaN());
  out.number(-0.0);
  out.end_array();
  EXPECT_EQ(out.take(), "[null,null,-0.0]");
}

TEST(JsonWriter, MayBeUsedAgain) {
  Writer out;
  for (int i = 0; i < 3; ++i) {
    out.begin_array();
    out.integer(i);
    out.end_array();
    EXPECT_EQ(out.take(), "[" + std::to_string(i) + "]");
  }
  EXPECT_EQ(out.take(), "");
}

TEST(JsonWriter, ToTextGivesBackWhatWasParsed) {
  const std::vector<std::string> texts{
      "null",
      "true",
      "-1",
      "18446744073709551615",
      "0.1",
      "1e300",
      "\"\\u0000\\n\"",
      "[]",
      "{}",
      R"({"b":[1,{"x":null}],"a":"gr\"ün","":[[]]})",
  };
  for (const std::string& text : texts) EXPECT_EQ(to_text(parse(text).value()), text);
  EXPECT_EQ(to_text(parse(" { \"a\" : [ 1 , 2 ] } ").value()), R"({"a":[1,2]})");
}

TEST(JsonWriter, ALongListReadsBack) {
  Writer out;
  out.begin_array();
  for (int i = 0; i < 1'000; ++i) {
    out.begin_object();
    out.member("name", "volume " + std::to_string(i));
    out.member("size_bytes", std::uint64_t{1} << 40);
    out.end_object();
  }
  out.end_array();
  const auto value = parse(out.take());
  ASSERT_TRUE(value);
  const auto* items = value->as<Value::Array>();
  ASSERT_EQ(items->size(), 1'000U);
  EXPECT_EQ(*items->back().find("name")->as<std::string>(), "volume 999");
}

}  // namespace
}  // namespace vbs::json
