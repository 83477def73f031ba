#include "common/units.h"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

namespace vbs {
namespace {

using testing::HasSubstr;

struct SizeCase {
  std::string_view text;
  std::uint64_t bytes;
};

TEST(Units, ParseSize) {
  const SizeCase cases[] = {
      {"0", 0},
      {"1", 1},
      {"4096", 4096},
      {"007", 7},
      {"1K", 1024},
      {"32M", 33554432},
      {"32m", 33554432},
      {"32MiB", 33554432},
      {"10G", 10 * kGiB},
      {"10GiB", 10 * kGiB},
      {"1T", kTiB},
      {"1t", kTiB},
      {"1.5G", kGiB + kGiB / 2},
      {"0.5K", 512},
      {"1.0", 1},
      {"2.000000M", 2 * kMiB},
      {"9223372036854775807", 9223372036854775807ULL},
      {"8388607T", 8388607 * kTiB},
  };
  for (const SizeCase& c : cases) {
    const auto size = parse_size(c.text);
    ASSERT_TRUE(size) << c.text << ": " << describe(size.error());
    EXPECT_EQ(*size, c.bytes) << c.text;
  }
}

TEST(Units, ParseSizeSaysWhatItWants) {
  const std::vector<std::string> bad{"",
                                     " ",
                                     "-1",
                                     "+1",
                                     "0x10",
                                     "32X",
                                     "32MB",
                                     "32mib",
                                     "32 M",
                                     " 32M",
                                     "32M ",
                                     "32MM",
                                     "M",
                                     ".5G",
                                     "1.",
                                     "1.G",
                                     "1..5G",
                                     "1,5G",
                                     "1e3",
                                     "32M\n",
                                     "1.5",
                                     "1.1K",
                                     "0.1T",
                                     "1KiBx",
                                     "1.0000000",
                                     "k",
                                     "\xC2\xB2",
                                     "nan",
                                     "inf",
                                     "1Ki",
                                     std::string("32\0M", 4),
                                     "١"};
  for (const std::string& text : bad) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error().code, ErrorCode::invalid_field);
    EXPECT_EQ(size.error().field, "size");
    EXPECT_THAT(size.error().message, HasSubstr("must be a"));
  }
  EXPECT_EQ(parse_size("32X").error().message,
            "must be a number with an optional unit K, M, G, T (powers of 1024), like 32M, got "
            "\"32X\"");
  EXPECT_EQ(parse_size("1.1K").error().message, "must be a whole number of bytes, got \"1.1K\"");
}

TEST(Units, ParseSizeRefusesWhatOverflows) {
  for (const std::string_view text :
       {"9223372036854775808", "18446744073709551616", "8388608T", "8388607.999999T0",
        "9223372036854775807K", "99999999999999999999999999999999999999G", "8388608.5T"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
  EXPECT_EQ(parse_size("8388608T").error().message,
            "must be less than 2^63 bytes, got \"8388608T\"");
}

TEST(Units, MessagesDoNotRepeatLongInput) {
  const auto size = parse_size(std::string(100'000, '9'));
  ASSERT_FALSE(size);
  EXPECT_LT(size.error().message.size(), 120U);
}

TEST(Units, FormatSize) {
  const SizeCase cases[] = {
      {"0", 0},
      {"1", 1},
      {"1000", 1000},
      {"1K", 1024},
      {"1.5K", 1536},
      {"1.2K", 1234},
      {"32M", 33554432},
      {"1.5G", kGiB + kGiB / 2},
      {"1025M", 1025 * kMiB},
      {"16T", 16 * kTiB},
      {"16383.5G", 16 * kTiB - kGiB / 2},
      {"117.7M", 123456789},
      {"16777216.0T", std::numeric_limits<std::uint64_t>::max()},
  };
  for (const SizeCase& c : cases) EXPECT_EQ(format_size(c.bytes), c.text);
}

TEST(Units, WhatIsShownExactlyReadsBack) {
  for (std::uint64_t mib = 1; mib <= 16 * kTiB / kMiB; mib = mib * 3 + 1) {
    const auto size = parse_size(format_size(mib * kMiB));
    ASSERT_TRUE(size) << format_size(mib * kMiB);
    EXPECT_EQ(*size, mib * kMiB);
  }
}

TEST(Units, CheckVolumeSize) {
  for (const std::uint64_t good : {kMiB, 33 * kMiB, kMaxVolumeSize}) {
    EXPECT_TRUE(check_volume_size(good, "size_bytes")) << good;
  }
  for (const std::uint64_t bad :
       {std::uint64_t{0}, kMiB - 1, kMiB + 1, kMaxVolumeSize + kMiB, ~std::uint64_t{0}}) {
    const auto checked = check_volume_size(bad, "size_bytes");
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().field, "size_bytes");
    EXPECT_THAT(checked.error().message, HasSubstr("from 1M to 16T"));
  }
}

TEST(Units, FormatDuration) {
  struct Case {
    std::int64_t millis;
    std::string_view text;
  };
  const Case cases[] = {
      {0, "0 ms"},
      {250, "250 ms"},
      {999, "999 ms"},
      {1'000, "1 s"},
      {1'400, "1.4 s"},
      {59'999, "59.9 s"},
      {60'000, "1 min"},
      {200'000, "3 min 20 s"},
      {7'500'000, "2 h 5 min"},
      {86'400'000, "1 d"},
      {273'600'000, "3 d 4 h"},
      {-1'400, "-1.4 s"},
      {std::numeric_limits<std::int64_t>::min(), "-106751991167 d 7 h"},
  };
  for (const Case& c : cases) EXPECT_EQ(format_duration(c.millis), c.text);
}

}  // namespace
}  // namespace vbs
