#include "common/log_interval.h"

#include <gtest/gtest.h>

namespace vbs::log {
namespace {

TEST(LogInterval, LetsOneThroughAtATime) {
  Interval interval;
  EXPECT_TRUE(interval.due());
  EXPECT_FALSE(interval.due());
  EXPECT_TRUE(Interval().due());
}

}  // namespace
}  // namespace vbs::log
