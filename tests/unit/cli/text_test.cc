#include "cli/text.h"

#include <gtest/gtest.h>

namespace vbs::cli {
namespace {

TEST(EscapeForTerminal, KeepsOrdinaryText) {
  EXPECT_EQ(escape_for_terminal("db 1 \\ é 日本"), "db 1 \\ é 日本");
}

TEST(EscapeForTerminal, EscapesWhatMovesCursorsOrHidesText) {
  EXPECT_EQ(escape_for_terminal("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(escape_for_terminal("line\nline\ttab\r"), "line\\x0aline\\x09tab\\x0d");
  EXPECT_EQ(escape_for_terminal("\x7f"), "\\x7f");
  EXPECT_EQ(escape_for_terminal("\xc2\x9b"), "\\x9b") << "C1: another way to write ESC [";
  EXPECT_EQ(escape_for_terminal("\xe2\x80\xae"), "\\u202e") << "right-to-left override";
  EXPECT_EQ(escape_for_terminal("\xe2\x81\xa9"), "\\u2069");
  EXPECT_EQ(escape_for_terminal("\xe2\x80\xa8"), "\\u2028") << "line separator";
  EXPECT_EQ(escape_for_terminal(std::string_view("\0", 1)), "\\x00");
}

TEST(EscapeForTerminal, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(escape_for_terminal("\xff"), "\\xff");
  EXPECT_EQ(escape_for_terminal("\xc3"), "\\xc3") << "cut off";
  EXPECT_EQ(escape_for_terminal("\xc0\xaf"), "\\xc0\\xaf") << "not the shortest form";
  EXPECT_EQ(escape_for_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(escape_for_terminal("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
}

TEST(EscapeJsonForTerminal, KeepsTheDocument) {
  EXPECT_EQ(escape_json_for_terminal("{\"a\":\"\\u001b\xc2\x9b\xe2\x80\xae\x7f é\"}"),
            "{\"a\":\"\\u001b\\u009b\\u202e\\u007f é\"}");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("e\xcc\x81"), 1U) << "combining accent";
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width(""), 0U);
}

TEST(TruncateToWidth, NeverCutsACharacter) {
  EXPECT_EQ(truncate_to_width("日本", 3), "日");
  EXPECT_EQ(truncate_to_width("abc", 3), "abc");
  EXPECT_EQ(truncate_to_width("abc", 0), "");
}

TEST(ParseRfc3339, ReadsTheServicesTimes) {
  for (const std::int64_t millis : {0LL, 1'772'366'400'123LL, 951'782'400'000LL}) {
    const auto parsed = parse_rfc3339(to_rfc3339(from_millis(millis)));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(to_millis(*parsed), millis);
  }
  EXPECT_EQ(to_millis(*parse_rfc3339("1970-01-01T00:00:01Z")), 1000);
  EXPECT_EQ(to_millis(*parse_rfc3339("1970-01-01T00:00:01.5Z")), 1500);
}

TEST(ParseRfc3339, RefusesEverythingElse) {
  for (const char* text : {"", "now", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
                           "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:-1Z", "2026-01-01T00:00:00+01:00"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(FormatAge, UsesOneUnit) {
  const WallTime now = from_millis(1'000'000'000'000);
  const auto age = [&](std::int64_t seconds) {
    return format_age(now - std::chrono::seconds(seconds), now);
  };
  EXPECT_EQ(age(0), "0s");
  EXPECT_EQ(age(119), "119s");
  EXPECT_EQ(age(120), "2m");
  EXPECT_EQ(age(119 * 60), "119m");
  EXPECT_EQ(age(2 * 3600), "2h");
  EXPECT_EQ(age(47 * 3600), "47h");
  EXPECT_EQ(age(48 * 3600), "2d");
  EXPECT_EQ(age(-5), "0s") << "clocks differ";
}

TEST(CanonicalIdPrefix, PutsHyphensWhereIdsHaveThem) {
  EXPECT_EQ(canonical_id_prefix("019A"), "019a");
  EXPECT_EQ(canonical_id_prefix("019a1b2c"), "019a1b2c");
  EXPECT_EQ(canonical_id_prefix("019a1b2c-"), "019a1b2c");
  EXPECT_EQ(canonical_id_prefix("019a1b2c3"), "019a1b2c-3");
  EXPECT_EQ(canonical_id_prefix("019a1b2c3d4e5f60718293a4b5c6d7e8"),
            "019a1b2c-3d4e-5f60-7182-93a4b5c6d7e8");
  EXPECT_FALSE(canonical_id_prefix("019"));
  EXPECT_FALSE(canonical_id_prefix("019-"));
  EXPECT_FALSE(canonical_id_prefix("019g"));
  EXPECT_FALSE(canonical_id_prefix(std::string(33, 'a')));
}

TEST(PercentEncode, EncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b&c=d?/#%é"), "a%20b%26c%3Dd%3F%2F%23%25%C3%A9");
}

}  // namespace
}  // namespace vbs::cli
