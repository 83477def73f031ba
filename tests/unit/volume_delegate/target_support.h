#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/volume_delegate/support.h"
#include "volume_delegate/target/export_identity.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate::testing {

inline constexpr const char* kTargetSecret = "secretsecret12";

/// An export as tests ask drivers for it: of its own volume, or of another one's.
inline TargetSpec target_spec(unsigned number, std::string device, unsigned volume = 0) {
  TargetSpec out;
  out.iqn = export_iqn("iqn.2026-01.vbs", id(number));
  out.number = number;
  out.device = std::move(device);
  out.serial = id(1000 + (volume == 0 ? number : volume)).str();
  out.initiator = "iqn.2026-01.host:" + std::to_string(number);
  out.chap_user = "user" + std::to_string(number);
  out.chap_secret = Secret(kTargetSecret);
  return out;
}

/// What a driver says of one target; empty where it says nothing.
inline TargetView target_view(TargetDriver& driver, const std::string& iqn) {
  const auto views = driver.list();
  EXPECT_EQ("", trouble(views));
  for (const auto& seen : views.value_or(std::vector<TargetView>{})) {
    if (seen.iqn == iqn) return seen;
  }
  return {};
}

}  // namespace vbs::volume_delegate::testing
