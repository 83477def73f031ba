#pragma once

#include <gtest/gtest.h>

#include <string>

#include "common/file.h"

namespace vbs::volume_delegate::testing {

/// What a tool has said, from tests/recorded: "TOOL/VERSION/NAME".
inline std::string recorded(const std::string& name) {
  const auto text = read_file(std::string(VBS_SOURCE_DIR) + "/tests/recorded/" + name, 1 << 20);
  EXPECT_TRUE(text) << name;
  return text.value_or("");
}

}  // namespace vbs::volume_delegate::testing
