#pragma once

#include <string>

#include "volume_delegate/target/portal.h"

namespace vbs::volume_delegate {

struct TgtOptions {
  std::string folder;  ///< its own: control socket and log; made with mode 0700
  Portal portal;
  int control_port = 1;  ///< -C: tells several tgtd of one machine apart
  int threads = 2;       ///< I/O threads for each logical unit
};

}  // namespace vbs::volume_delegate
