#pragma once

#include "common/error.h"
#include "volume_delegate/settings.h"

namespace vbs::volume_delegate {

/// Serves until SIGTERM or SIGINT; SIGHUP reopens the log. The target daemon and its sessions live
/// on. An error means that it could not start.
Result<void> run(const Settings& settings);

}  // namespace vbs::volume_delegate
