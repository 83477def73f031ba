#pragma once

#include <string>

#include "volume_delegate/target/portal.h"

namespace vbs::volume_delegate {

struct IetOptions {
  std::string program;                 ///< ietadm; "": looked up
  std::string proc = "/proc/net/iet";  ///< what the kernel module says
  std::string config = "/etc/iet";     ///< initiators.allow; "/etc" before 1.4.18
  Portal portal;
};

}  // namespace vbs::volume_delegate
