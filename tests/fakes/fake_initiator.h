#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "vmm_delegate/initiator/initiator.h"

namespace vbs::fakes {

/// An initiator without a network. As the host's initiator it keeps sessions; as the VMs' own it
/// only tries the login. Thread-safe.
class FakeInitiator final : public vmm_delegate::Initiator {
 public:
  enum class Kind { of_vms, of_host };
  /// What the target shows to this login: its serial, or why the login fails. By default every
  /// target is there and shows the volume it should.
  using Target = std::function<Result<std::string>(const wire::SessionSpec&)>;

  explicit FakeInitiator(Kind kind) : kind_(kind) {}
  void set_target(Target target);
  int logins() const;
  /// What targets show as their size; 0 from the start.
  void set_size(std::uint64_t size_bytes);
  /// What the host's disk turns out to be once it is shown; by default the volume.
  void set_shown(Result<void> shown);
  /// Whether somebody has the disk of this attachment's session open; by default nobody has.
  using Users = std::function<bool(const Uuid& attachment)>;
  void set_users(Users users);

  bool is_host() const override { return kind_ == Kind::of_host; }
  Result<wire::SessionStatus> log_in(const Uuid& attachment,
                                     const wire::SessionSpec& session) override;
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSpec& session) override;
  Result<void> prove_shown(const Uuid& attachment, const wire::SessionSpec& session) override;
  Result<void> log_out(const Uuid& attachment) override;
  void bring_back() override {}
  Result<std::vector<wire::SessionStatus>> sessions() override;

 private:
  const Kind kind_;
  mutable std::mutex mutex_;
  Target target_;
  int logins_ = 0;
  std::uint64_t size_bytes_ = 0;
  Result<void> shown_;
  std::map<Uuid, wire::SessionStatus> sessions_;
  Users users_;
};

}  // namespace vbs::fakes
