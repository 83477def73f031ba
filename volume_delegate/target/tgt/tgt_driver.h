#pragma once

#include <memory>
#include <string>
#include <vector>

#include "volume_delegate/target/target_driver.h"
#include "volume_delegate/target/tgt/tgt_daemon.h"
#include "volume_delegate/target/tgt/tgt_report.h"

namespace vbs::volume_delegate {

/// TargetDriver over tgtd: one target, one logical unit of type rdwr, one account and one
/// initiator-name rule for each export. tgtd admits whoever matches any of a target's rules, so
/// address rules are never made, and are removed where somebody else made one.
class TgtDriver final : public TargetDriver {
 public:
  static Result<std::unique_ptr<TgtDriver>> create(const TgtOptions& options);

  std::string name() const override { return "tgt"; }
  std::string portal() const override { return portal_; }
  Result<DaemonState> ensure_running() override { return daemon_->ensure_running(); }
  Result<std::vector<TargetView>> list() override;
  Result<void> apply(const TargetSpec& spec) override;
  /// tgtd takes a new size only together with a new descriptor, and for a moment in between it has
  /// none (docs/decisions/0013-modify-volume.md).
  bool grows_live() const override { return false; }
  Result<void> fence(const std::string& iqn) override;
  Result<void> remove(const std::string& iqn, const std::string& chap_user) override;

 private:
  TgtDriver(std::unique_ptr<TgtDaemon> daemon, std::string portal);

  Result<std::vector<TgtTarget>> targets();
  Result<TgtTarget> make_or_find(const TargetSpec& spec);
  Result<void> make_unit(const TgtTarget& target, const TargetSpec& spec);
  Result<void> make_account(const TgtTarget& target, const TargetSpec& spec);
  Result<void> make_account_anew(const TargetSpec& spec);
  Result<void> make_rule(const TgtTarget& target, const TargetSpec& spec);
  Result<void> remove_rules(const TgtTarget& target, const std::string& but);
  Result<void> tear_down(const TgtTarget& target);
  Result<void> remove_target(const std::string& iqn);
  Result<void> remove_account(const std::string& user);

  std::unique_ptr<TgtDaemon> daemon_;
  TgtControl& tgt_;
  std::string portal_;
};

}  // namespace vbs::volume_delegate
