#pragma once

#include "vmm_delegate/initiator/initiator.h"

namespace vbs::vmm_delegate {

/// For hypervisors whose VMs log in themselves (QEMU's iSCSI driver): logging in is trying exactly
/// the login that the VM will make and reading the serial through it. Nothing of it stays.
class VmInitiator final : public Initiator {
 public:
  /// `name` is the IQN under which the VMs of this node log in; `limit` bounds one trial.
  VmInitiator(std::string name, Milliseconds limit);

  bool is_host() const override { return false; }
  Result<wire::SessionStatus> log_in(const Uuid& attachment,
                                     const wire::SessionSpec& session) override;
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSpec& session) override;
  Result<void> prove_shown(const Uuid& attachment, const wire::SessionSpec& session) override;
  Result<void> log_out(const Uuid& attachment) override;
  void bring_back() override {}  // the host has lost nothing
  Result<std::vector<wire::SessionStatus>> sessions() override;

 private:
  const std::string name_;
  const Milliseconds limit_;
};

}  // namespace vbs::vmm_delegate
