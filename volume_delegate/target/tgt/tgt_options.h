#pragma once

#include <chrono>
#include <string>

#include "volume_delegate/target/portal.h"

namespace vbs::volume_delegate {

struct TgtOptions {
  std::string folder;  ///< its own: control socket and log; made with mode 0700
  Portal portal;
  int control_port = 1;  ///< -C: tells several tgtd of one machine apart
  int threads = 2;       ///< I/O threads for each logical unit
  /// How often initiators are asked for a sign of life. Without, tgtd keeps the session of a host
  /// that lost its power for half an hour or more, and so the detach that waits for its end.
  std::chrono::seconds nop_interval{10};
};

}  // namespace vbs::volume_delegate
