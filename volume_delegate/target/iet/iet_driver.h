#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "volume_delegate/target/iet/iet_access.h"
#include "volume_delegate/target/iet/iet_control.h"
#include "volume_delegate/target/iet/iet_options.h"
#include "volume_delegate/target/target_driver.h"

namespace vbs::volume_delegate {

/// TargetDriver over the iSCSI Enterprise Target, 0.4.16 to 1.4.20: one target, one LUN, one
/// account for each export. Its daemon belongs to its own service and is not started from here.
///
/// IET tells neither serials nor accounts. A logical unit is made with its serial in one command,
/// so a unit of the right device is taken to have it; accounts are those that this object made, and
/// after a restart of the program `apply` makes them again. SCSI serials have 16 characters here
/// (short_volume_serial), so that is what initiators see; views show the serial that was asked for.
class IetDriver final : public TargetDriver {
 public:
  static Result<std::unique_ptr<IetDriver>> create(const IetOptions& options);

  std::string name() const override { return "iet"; }
  std::string portal() const override { return options_.portal.str(); }
  Result<DaemonState> ensure_running() override;
  Result<std::vector<TargetView>> list() override;
  Result<void> apply(const TargetSpec& spec) override;
  /// The size is read when a logical unit is made, and only then.
  bool grows_live() const override { return false; }
  Result<void> fence(const std::string& iqn) override;
  Result<void> remove(const std::string& iqn, const std::string& chap_user) override;

 private:
  /// What IET does not tell of a target.
  struct Made {
    std::string serial;
    std::string user;
    Secret secret;
  };

  IetDriver(IetOptions options, IetControl control, unsigned version);
  /// Forgets what was made where another ietd runs by now: it knows nothing of it.
  Result<DaemonState> look_at_daemon();
  Result<std::optional<IetTarget>> find(const std::string& iqn);
  Result<IetTarget> make_target(const TargetSpec& spec);
  Result<void> make_unit(const IetTarget& target, const TargetSpec& spec);
  Result<void> make_account(const IetTarget& target, const TargetSpec& spec);
  Result<void> end_sessions(std::uint32_t tid);
  Result<std::vector<IetSession>> sessions_of(std::uint32_t tid);
  Result<void> tear_down(const IetTarget& target);
  Result<void> remove_target(const std::string& iqn);
  Made made(const std::string& iqn);
  void remember(const std::string& iqn, const Made& made);
  TargetView view_of(const IetTarget& target, const std::vector<IetSession>& sessions,
                     const std::map<std::string, std::string>& rules);

  const IetOptions options_;
  IetControl iet_;
  IetAccess access_;
  std::mutex mutex_;
  std::map<std::string, Made> made_;  ///< by IQN
  std::string daemon_;                ///< that made it
};

}  // namespace vbs::volume_delegate
