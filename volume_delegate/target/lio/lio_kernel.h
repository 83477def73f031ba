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
  /// `configfs` is where that file system is mounted, "/sys/kernel/config", and `modules` where the
  /// kernel says what it has loaded, "/sys/module".
  LioKernel(ConfigTree& tree, std::string configfs, std::string modules, Portal portal)
      : tree_(tree),
        configfs_(std::move(configfs)),
        modules_(std::move(modules)),
        portal_(std::move(portal)) {}

  /// Loads the modules where they are missing, and sees that the portal is there or can be: LIO
  /// listens from the first target on. `started` if iSCSI has just been set up.
  Result<DaemonState> ensure();
  /// Whether the kernel has iSCSI targets set up; where it says no, nothing is served. timeout: the
  /// module is loaded but its tree cannot be seen, so that the kernel may serve anything.
  Result<bool> is_set_up();

 private:
  Result<void> load_modules();
  Result<bool> listens();

  ConfigTree& tree_;
  const std::string configfs_;
  const std::string modules_;
  const Portal portal_;
  std::mutex mutex_;
  bool portal_was_free_ = false;
};

}  // namespace vbs::volume_delegate
