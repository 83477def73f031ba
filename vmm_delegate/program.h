#pragma once

#include <string>

#include "common/error.h"
#include "vmm_delegate/settings.h"

namespace vbs::vmm_delegate {

/// Serves until SIGTERM or SIGINT; SIGHUP reopens the log. VMs, their disks and the lease helpers
/// live on. `config` is the file the settings came from. An error means that it could not start.
Result<void> run(const Settings& settings, const std::string& config);

/// The lease helper: ends the freeze when its lease runs out, and returns when that is done or when
/// there is nothing to do.
Result<void> run_lease_helper(const Settings& settings, const Uuid& freeze);

}  // namespace vbs::vmm_delegate
