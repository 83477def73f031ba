#pragma once

#include <memory>
#include <string>
#include <vector>

#include "volume_delegate/target/lio/kernel_calls.h"
#include "volume_delegate/target/lio/lio_targets.h"

namespace vbs::volume_delegate {

/// TargetDriver over LIO, the iSCSI target of the Linux kernel (drivers/target), through configfs.
/// It needs root. LIO has no target numbers: those of the views are 0.
///
/// Where a device hangs, so does the kernel with whatever concerns its target. Calls about it
/// answer timeout then, in time, and at once as long as an earlier one is still in the kernel;
/// calls about other targets go on.
class LioDriver final : public TargetDriver {
 public:
  explicit LioDriver(const LioOptions& options);
  /// Over another tree than the kernel's.
  LioDriver(const LioOptions& options, std::shared_ptr<ConfigTree> tree);

  std::string name() const override { return "lio"; }
  std::string portal() const override { return portal_; }
  Result<DaemonState> ensure_running() override;
  Result<std::vector<TargetView>> list() override;
  Result<void> apply(const TargetSpec& spec) override;
  /// Initiators learn of it when they ask for the capacity again.
  bool grows_live() const override { return true; }
  Result<void> refresh_size(const TargetSpec& spec) override;
  Result<void> fence(const std::string& iqn) override;
  Result<void> remove(const std::string& iqn, const std::string& chap_user) override;

 private:
  const std::string portal_;
  const Milliseconds limit_;
  const std::shared_ptr<LioTargets> targets_;  ///< shared with calls that are left behind
  KernelCalls calls_;
};

}  // namespace vbs::volume_delegate
