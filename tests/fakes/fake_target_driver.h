#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "volume_delegate/target/target_driver.h"

namespace vbs::fakes {

/// A target daemon in memory, with the semantics of the real one: what it serves dies with the
/// daemon, access rules are asked only at login, numbers and names are unique. Thread-safe.
class FakeTargetDriver : public volume_delegate::TargetDriver {
 public:
  explicit FakeTargetDriver(std::string portal = "127.0.0.1:3260") : portal_(std::move(portal)) {}

  std::string name() const override { return "fake"; }
  std::string portal() const override { return portal_; }
  Result<volume_delegate::DaemonState> ensure_running() override;
  Result<std::vector<volume_delegate::TargetView>> list() override;
  Result<void> apply(const volume_delegate::TargetSpec& spec) override;
  bool grows_live() const override;
  Result<void> refresh_size(const volume_delegate::TargetSpec& spec) override;
  Result<void> fence(const std::string& iqn) override;
  Result<void> remove(const std::string& iqn, const std::string& chap_user) override;

  /// Called at the start of every call above with its name ("apply"); an error is returned instead
  /// of doing it.
  using Fault = std::function<Result<void>(const std::string& call)>;
  void set_fault(Fault fault);

  /// What a device has now; without it sizes are not known.
  using DeviceSize = std::function<std::uint64_t(const std::string& device)>;
  void set_device_size(DeviceSize size);
  /// True at the start.
  void set_grows_live(bool live);

  /// The daemon dies: targets, accounts and sessions are gone, until ensure_running.
  void kill_daemon();
  /// Starts cannot succeed meanwhile, as when another program has the portal.
  void set_start_problem(std::string problem);

  /// A login as an initiator would try it: whether it is let in.
  bool log_in(const std::string& iqn, const std::string& initiator, const std::string& user,
              const std::string& secret);
  void log_out(const std::string& iqn, const std::string& initiator);
  bool has_session(const std::string& iqn) const;

  /// Somebody meddles by hand.
  void add_foreign_target(const std::string& iqn, std::uint32_t number);
  void delete_target(const std::string& iqn);
  void drop_rules(const std::string& iqn);
  /// Its device hangs, so that the daemon does not tell in time what it serves.
  void hide_target(const std::string& iqn, bool hidden);

  /// What is really there, whatever `list` says of it.
  std::vector<volume_delegate::TargetView> targets() const;
  std::size_t applied() const;  ///< calls of apply that changed something

 private:
  struct Target {
    volume_delegate::TargetView view;
    std::string secret;
    bool hidden = false;
  };
  Result<void> enter(const std::string& call);
  Result<void> check_running() const;

  const std::string portal_;
  mutable std::mutex mutex_;
  bool running_ = false;
  std::string start_problem_;
  Fault fault_;
  DeviceSize device_size_;
  bool grows_live_ = true;
  std::map<std::string, Target> targets_;
  std::size_t applied_ = 0;
};

}  // namespace vbs::fakes
