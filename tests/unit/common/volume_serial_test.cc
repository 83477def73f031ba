#include "common/volume_serial.h"

#include <gtest/gtest.h>

namespace vbs {
namespace {

TEST(VolumeSerial, IsTheUuidOrItsEnd) {
  const Uuid volume = *Uuid::parse("0190a1b2-c3d4-7e5f-8123-456789abcdef");
  EXPECT_EQ("8123456789abcdef", short_volume_serial(volume));
  EXPECT_TRUE(is_volume_serial("0190a1b2-c3d4-7e5f-8123-456789abcdef", volume));
  EXPECT_TRUE(is_volume_serial("8123456789abcdef", volume));
  EXPECT_FALSE(is_volume_serial("8123456789abcde", volume));
  EXPECT_FALSE(is_volume_serial("", volume));
  EXPECT_FALSE(is_volume_serial("0190a1b2-c3d4-7e5f-8123-456789abcdee", volume));
}

}  // namespace
}  // namespace vbs
