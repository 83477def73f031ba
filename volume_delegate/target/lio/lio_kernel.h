#pragma once

#include <mutex>
#include <string>

#include "common/error.h"
#include "volume_delegate/target/lio/config_tree.h"
#include "volume_delegate/target/portal.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// The kernel's part of LIO: its modules, and the portal that its targets share. Thread-safe.
class LioKernel {
 public:
  /// `configfs` is where that file system is mounted, "/sys/kernel/config".
  LioKernel(ConfigTree& tree, std::string configfs, Portal portal)
      : tree_(tree), configfs_(std::move(configfs)), portal_(std::move(portal)) {}

  /// Loads the modules where they are missing, and sees that the portal is there or can be: LIO
  /// listens from the first target on. `started` if iSCSI has just been set up.
  Result<DaemonState> ensure();
  /// Without iSCSI in the kernel's tree nothing is served.
  bool surely_absent();

 private:
  Result<void> load_modules();
  Result<bool> listens();

  ConfigTree& tree_;
  const std::string configfs_;
  const Portal portal_;
  std::mutex mutex_;
  bool portal_was_free_ = false;
};

}  // namespace vbs::volume_delegate
