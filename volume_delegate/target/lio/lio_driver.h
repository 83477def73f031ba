#pragma once

#include <memory>
#include <string>
#include <vector>

#include "volume_delegate/target/lio/config_tree.h"
#include "volume_delegate/target/lio/lio_backstores.h"
#include "volume_delegate/target/lio/lio_kernel.h"
#include "volume_delegate/target/lio/lio_target.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

struct LioOptions {
  std::string configfs = "/sys/kernel/config";
  std::string modules = "/sys/module";  ///< what the kernel has loaded
  Portal portal;
};

/// TargetDriver over LIO, the iSCSI target of the Linux kernel (drivers/target), through configfs.
/// It needs root. LIO has no target numbers: those of the views are 0.
class LioDriver final : public TargetDriver {
 public:
  explicit LioDriver(const LioOptions& options);
  /// Over another tree than the kernel's.
  LioDriver(const LioOptions& options, std::shared_ptr<ConfigTree> tree);

  std::string name() const override { return "lio"; }
  std::string portal() const override { return portal_; }
  Result<DaemonState> ensure_running() override { return kernel_.ensure(); }
  Result<std::vector<TargetView>> list() override;
  Result<void> apply(const TargetSpec& spec) override;
  /// Initiators learn of it when they ask for the capacity again.
  bool grows_live() const override { return true; }
  Result<void> refresh_size(const TargetSpec& spec) override {
    return backstores_.refresh_size(spec);
  }
  Result<void> fence(const std::string& iqn) override;
  Result<void> remove(const std::string& iqn, const std::string& chap_user) override;

 private:
  LioTarget target(const std::string& iqn);
  Result<void> make(LioTarget& target, const TargetSpec& spec);
  Result<void> tear_down(LioTarget& target);
  Result<void> check_in_sight();

  const std::string portal_;
  std::shared_ptr<ConfigTree> tree_;
  LioKernel kernel_;
  LioBackstores backstores_;
};

}  // namespace vbs::volume_delegate
