#pragma once

#include <memory>
#include <string>
#include <vector>

#include "volume_delegate/target/lio/config_tree.h"
#include "volume_delegate/target/lio/lio_backstores.h"
#include "volume_delegate/target/lio/lio_kernel.h"
#include "volume_delegate/target/lio/lio_options.h"
#include "volume_delegate/target/lio/lio_target.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// What LioDriver does, without its limit in time: where a device hangs, the kernel lets a call
/// wait until it does no more. Calls are those of TargetDriver. Thread-safe.
class LioTargets {
 public:
  LioTargets(const LioOptions& options, std::shared_ptr<ConfigTree> tree);

  Result<DaemonState> ensure_running() { return kernel_.ensure(); }
  /// Of all targets.
  Result<std::vector<std::string>> iqns();
  Result<TargetView> view(const std::string& iqn) { return target(iqn).view(); }
  Result<void> apply(const TargetSpec& spec);
  Result<void> refresh_size(const TargetSpec& spec) { return backstores_.refresh_size(spec); }
  Result<void> fence(const std::string& iqn);
  Result<void> remove(const std::string& iqn);

 private:
  LioTarget target(const std::string& iqn);
  Result<void> tear_down(LioTarget& target);
  Result<void> check_in_sight();

  const std::string portal_;
  std::shared_ptr<ConfigTree> tree_;
  LioKernel kernel_;
  LioBackstores backstores_;
};

}  // namespace vbs::volume_delegate
