#include "common/config.h"

#include <gmock/gmock.h>

#include <fstream>
#include <functional>

#include "common/units.h"
#include "support.h"

namespace vbs::config {
namespace {

constexpr const char* kText = R"(name = "vs1"
threads = 4
verbose = true
capacity = "10G"
timeout = "5min"
peers = ["a", "b"]

[listen]
address = "127.0.0.1"

[[server]]
url = "http://one"

[[server]]
url = "http://two"
)";

TEST(Config, ReadsEveryType) {
  auto table = Table::parse(kText);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->string("name"), "vs1");
  EXPECT_EQ(table->integer_or("threads", 1, 1, 64), 4);
  EXPECT_TRUE(table->boolean_or("verbose", false));
  EXPECT_EQ(table->size_or("capacity", 0), 10 * kGiB);
  EXPECT_EQ(table->duration_or("timeout", 0), 300'000);
  EXPECT_EQ(table->strings("peers"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table->table("listen").string("address"), "127.0.0.1");
  std::vector<std::string> urls;
  for (Table& server : table->tables("server")) urls.push_back(server.string("url"));
  EXPECT_EQ(urls, (std::vector<std::string>{"http://one", "http://two"}));
  const auto finished = table->finish();
  EXPECT_TRUE(finished) << describe(finished.error());
}

TEST(Config, WhatIsAbsentHasItsDefault) {
  auto table = Table::parse("");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->string_or("name", "x"), "x");
  EXPECT_EQ(table->integer_or("threads", 3, 1, 64), 3);
  EXPECT_TRUE(table->boolean_or("verbose", true));
  EXPECT_EQ(table->size_or("capacity", 7), 7U);
  EXPECT_EQ(table->duration_or("timeout", 8), 8);
  EXPECT_TRUE(table->strings("peers").empty());
  EXPECT_TRUE(table->tables("server").empty());
  EXPECT_EQ(table->table("a").table("b").integer_or("c", 9, 0, 10), 9);
  EXPECT_TRUE(table->finish());
}

TEST(Config, Durations) {
  struct Case {
    const char* text;
    std::int64_t millis;
  };
  const Case cases[] = {{"0s", 0},         {"250ms", 250},          {"10s", 10'000},
                        {"5min", 300'000}, {"24h", 24 * 3'600'000}, {"87600h", 315'360'000'000}};
  for (const Case& c : cases) {
    auto table = Table::parse("d = \"" + std::string(c.text) + "\"");
    EXPECT_EQ(table->duration_or("d", -1), c.millis) << c.text;
    EXPECT_TRUE(table->finish());
  }
  for (const char* bad : {"", "s", "10", "10m", "10d", "-1s", "+1s", "1.5s", "10 s", " 10s", "10s ",
                          "0x1s", "87601h", "99999999999999999999s", "10S"}) {
    auto table = Table::parse("d = \"" + std::string(bad) + "\"");
    EXPECT_EQ(table->duration_or("d", -1), -1) << bad;
    const auto finished = table->finish();
    ASSERT_FALSE(finished) << bad;
    EXPECT_THAT(finished.error().message, testing::StartsWith("config:1: d must be a duration"));
  }
}

TEST(Config, TextsThatTheLibraryThinksImpossibleAreErrors) {
  const std::pair<const char*, const char*> cases[] = {{"[~a]", "config:1: "},
                                                       {"[\b", "config:1: "},
                                                       {"a = \u010a", "config:1: "},
                                                       {"\u010a = 1", "config:1: "},
                                                       {"a = 1\nb = 12:00:\u043b1", "config:2: "}};
  for (const auto& [text, message] : cases) {
    const auto table = Table::parse(text);
    ASSERT_FALSE(table) << text;
    EXPECT_THAT(table.error().message, testing::StartsWith(message)) << text;
  }
  auto table = Table::parse("a = \"\"\"x \\\n  \u010a\"\"\"");
  ASSERT_TRUE(table) << describe(table.error());
  EXPECT_EQ(table->string("a"), "x \u010a");
}

struct ErrorCase {
  const char* text;
  std::function<void(Table&)> read;
  const char* message;
};

TEST(Config, ErrorsSayFileLineAndKey) {
  const ErrorCase cases[] = {
      {"", [](Table& t) { t.string("name"); }, "config: name is required"},
      {"[a]\n", [](Table& t) { t.table("a").string("x"); }, "config:1: a.x is required"},
      {"", [](Table& t) { t.table("a").string("x"); }, "config: a.x is required"},
      {"\nname = 1", [](Table& t) { t.string("name"); }, "config:2: name must be a string"},
      {"n = \"1\"", [](Table& t) { t.integer_or("n", 1, 0, 9); },
       "config:1: n must be an integer from 0 to 9"},
      {"n = 1.0", [](Table& t) { t.integer_or("n", 1, 0, 9); },
       "config:1: n must be an integer from 0 to 9"},
      {"n = 10", [](Table& t) { t.integer_or("n", 1, 0, 9); },
       "config:1: n must be an integer from 0 to 9, got 10"},
      {"n = -1", [](Table& t) { t.integer_or("n", 1, 0, 9); },
       "config:1: n must be an integer from 0 to 9, got -1"},
      {"b = 1", [](Table& t) { t.boolean_or("b", true); }, "config:1: b must be true or false"},
      {"s = 1024", [](Table& t) { t.size_or("s", 0); },
       "config:1: s must be a size in quotes, like \"32M\""},
      {"s = \"32X\"", [](Table& t) { t.size_or("s", 0); },
       "config:1: s must be a number with an optional unit K, M, G, T (powers of 1024), like 32M, "
       "got \"32X\""},
      {"l = \"a\"", [](Table& t) { t.strings("l"); }, "config:1: l must be an array of strings"},
      {"l = [\"a\", 1]", [](Table& t) { t.strings("l"); },
       "config:1: l must be an array of strings"},
      {"t = 1", [](Table& t) { t.table("t"); }, "config:1: t must be a table"},
      {"[t]", [](Table& t) { t.tables("t"); },
       "config:1: t must be an array of tables, written [[t]]"},
      {"[[s]]\nx = 1\n[[s]]\nx = \"a\"",
       [](Table& t) {
         for (Table& s : t.tables("s")) s.integer_or("x", 0, 0, 9);
       },
       "config:4: s[1].x must be an integer from 0 to 9"},
      {"x = 3", [](Table& t) { t.integer_or("x", 0, 0, 9), t.reject("x", "must be odd twice"); },
       "config:1: x must be odd twice"},
  };
  for (const ErrorCase& c : cases) {
    SCOPED_TRACE(c.text);
    auto table = Table::parse(c.text);
    ASSERT_TRUE(table);
    c.read(*table);
    const auto finished = table->finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().message, c.message);
  }
}

TEST(Config, UnknownKeysAreErrors) {
  const ErrorCase cases[] = {
      {"nmae = \"x\"", [](Table& t) { t.string_or("name", ""), t.boolean_or("all", true); },
       "config:1: nmae is not a setting here; settings: all, name"},
      {"[listen]\nprot = 1", [](Table& t) { t.table("listen").integer_or("port", 0, 0, 9); },
       "config:2: listen.prot is not a setting here; settings: port"},
      {"[other]\nx = 1", [](Table& t) { t.table("listen"); },
       "config:1: other is not a setting here; settings: listen"},
      {"[[s]]\nx = 1\n[[s]]\ny = 1",
       [](Table& t) {
         for (Table& s : t.tables("s")) s.integer_or("x", 0, 0, 9);
       },
       "config:4: s[1].y is not a setting here; settings: x"},
  };
  for (const ErrorCase& c : cases) {
    SCOPED_TRACE(c.text);
    auto table = Table::parse(c.text);
    ASSERT_TRUE(table);
    c.read(*table);
    const auto finished = table->finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().message, c.message);
  }
}

TEST(Config, TheFirstErrorOfAnyTableStays) {
  auto table = Table::parse("a = 1\n[t]\nb = 1\n");
  ASSERT_TRUE(table);
  Table inner = table->table("t");
  inner.string("b");
  table->string("a");
  EXPECT_EQ(table->finish().error().message, "config:3: t.b must be a string");
  EXPECT_EQ(inner.finish().error().message, "config:3: t.b must be a string");
}

TEST(Config, NotToml) {
  for (const char* text : {"a = ", "a", "= 1", "[t", "a = 1\na = 2", "a = \"\\xFF\"", "\xFF = 1"}) {
    const auto table = Table::parse(text, "vbsd.toml");
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().code, ErrorCode::invalid_request);
    EXPECT_THAT(table.error().message, testing::MatchesRegex("vbsd.toml:[12]: .+"));
  }
}

TEST(Config, Load) {
  const test::TempDir dir;
  const std::string path = dir.path("vbsd.toml");
  EXPECT_EQ(Table::load(path).error().code, ErrorCode::not_found);
  std::ofstream(path) << "\nname = 3\n";
  auto table = Table::load(path);
  ASSERT_TRUE(table);
  table->string("name");
  EXPECT_EQ(table->finish().error().message, path + ":2: name must be a string");
}

}  // namespace
}  // namespace vbs::config
