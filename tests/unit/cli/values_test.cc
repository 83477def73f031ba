#include "cli/values.h"

#include <gtest/gtest.h>

namespace vbs::cli {
namespace {

TEST(ParseDuration, KnowsItsUnits) {
  EXPECT_EQ(parse_duration("250ms"), Milliseconds(250));
  EXPECT_EQ(parse_duration("90s"), Milliseconds(90'000));
  EXPECT_EQ(parse_duration("90"), Milliseconds(90'000));
  EXPECT_EQ(parse_duration("5min"), Milliseconds(300'000));
  EXPECT_EQ(parse_duration("168h"), Milliseconds(168LL * 3'600'000));
}

TEST(ParseDuration, RefusesWhatIsNoTimeToWait) {
  for (const char* text : {"", "s", "0", "-5s", "5 s", "5m", "169h", "1.5h",
                           "99999999999999999999s", "9223372036854775807h"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(ParseGrowth, IsASizeOrSoMuchMore) {
  EXPECT_EQ(parse_growth("20G", 7), 20ULL << 30);
  EXPECT_EQ(parse_growth("+10M", 1 << 20), 11ULL << 20);
  EXPECT_EQ(parse_growth("+0", 5), 5U);
  for (const char* text : {"", "+", "++1G", "-1G", "+-1G", "1X", "+ 1G"}) {
    EXPECT_FALSE(parse_growth(text, 0)) << text;
  }
  EXPECT_FALSE(parse_growth("+1", UINT64_MAX));
}

TEST(CheckValue, JudgesByKind) {
  const std::vector<std::string> choices{"table", "json"};
  EXPECT_EQ(check_value(ValueKind::choice, choices, "json"), "");
  EXPECT_EQ(check_value(ValueKind::choice, choices, "yaml"), "must be one of table, json");
  EXPECT_EQ(check_value(ValueKind::size, {}, "32M"), "");
  EXPECT_NE(check_value(ValueKind::size, {}, "32X"), "");
  EXPECT_NE(check_value(ValueKind::size, {}, "+32M"), "");
  EXPECT_EQ(check_value(ValueKind::growth, {}, "+32M"), "");
  EXPECT_EQ(check_value(ValueKind::count, {}, "1000000"), "");
  for (const char* text : {"0", "1000001", "-1", "1x", "", "18446744073709551617"}) {
    EXPECT_NE(check_value(ValueKind::count, {}, text), "") << text;
  }
  EXPECT_EQ(check_value(ValueKind::tag, {}, "a=b=c"), "");
  EXPECT_EQ(check_value(ValueKind::tag, {}, "a="), "");
  EXPECT_NE(check_value(ValueKind::tag, {}, "=b"), "");
  EXPECT_NE(check_value(ValueKind::tag, {}, "a"), "");
  EXPECT_NE(check_value(ValueKind::volume, {}, ""), "");
  EXPECT_EQ(check_value(ValueKind::text, {}, ""), "");
}

}  // namespace
}  // namespace vbs::cli
