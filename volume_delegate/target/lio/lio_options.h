#pragma once

#include <string>

#include "common/clock.h"
#include "volume_delegate/target/portal.h"

namespace vbs::volume_delegate {

struct LioOptions {
  std::string configfs = "/sys/kernel/config";
  std::string modules = "/sys/module";  ///< what the kernel has loaded
  Portal portal;
  Milliseconds limit{6'000};  ///< the longest that the kernel is waited for, about one target
};

}  // namespace vbs::volume_delegate
