#pragma once

#include "common/error.h"

namespace vbs::vmm_delegate {

/// Tells systemd, where it has started this program as a service of Type=notify, that those which
/// are ordered after it may start (sd_notify(3): "READY=1" to the socket that NOTIFY_SOCKET names).
Result<void> tell_ready();

}  // namespace vbs::vmm_delegate
