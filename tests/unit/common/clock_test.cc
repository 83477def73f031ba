#include "common/clock.h"

#include <gtest/gtest.h>

namespace vbs {
namespace {

struct TimeCase {
  std::int64_t millis;
  const char* text;
};

TEST(Clock, Rfc3339) {
  const TimeCase cases[] = {
      {0, "1970-01-01T00:00:00.000Z"},
      {1, "1970-01-01T00:00:00.001Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {951'827'696'789, "2000-02-29T12:34:56.789Z"},
      {1'772'366'400'000, "2026-03-01T12:00:00.000Z"},
      {4'107'542'399'010, "2100-02-28T23:59:59.010Z"},
      {253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
  };
  for (const TimeCase& c : cases) EXPECT_EQ(to_rfc3339(from_millis(c.millis)), c.text);
}

TEST(Clock, MillisRoundTrip) {
  for (const std::int64_t millis : {std::int64_t{-5}, std::int64_t{0}, std::int64_t{1} << 47}) {
    EXPECT_EQ(to_millis(from_millis(millis)), millis);
  }
}

TEST(Clock, TheSystemClockIsTheSystems) {
  const SystemClock clock;
  const auto before = std::chrono::system_clock::now();
  const WallTime wall = clock.wall();
  EXPECT_GE(wall, std::chrono::floor<Milliseconds>(before));
  EXPECT_LE(wall, std::chrono::system_clock::now());

  const MonotonicTime first = clock.monotonic();
  EXPECT_LE(first, clock.monotonic());
}

}  // namespace
}  // namespace vbs
