#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/qemu/guest_agent.h"
#include "vmm_delegate/hypervisor/qemu/qemu_plug.h"
#include "vmm_delegate/hypervisor/qemu/qmp.h"
#include "vmm_delegate/hypervisor/storage_probe.h"
#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

struct QemuOptions {
  std::string folder;  ///< holds NAME.qmp and NAME.qga, the sockets of VM NAME
  qemu::PlugOptions plug;
  Qmp::Limits qmp;
  GuestAgent::Limits agent;
  Milliseconds busy{3'000};  ///< how long a request waits for another one of the same VM
  StorageProbe probe;        ///< asked before a disk is taken away, unless empty
};

/// QEMU's virtual machines, found by their QMP sockets in one folder. They get devices of the host
/// or, where it has none for them, are their own iSCSI initiators. Each request connects, does its
/// work and leaves, because QEMU serves one client at a time and the lease helper must get its turn
/// too.
class QemuHypervisor final : public Hypervisor {
 public:
  explicit QemuHypervisor(QemuOptions options);

  std::string_view driver() const override { return "qemu"; }
  Result<void> check() override;
  Result<std::vector<wire::VmStatus>> vms() override;
  Result<wire::VmStatus> vm(const std::string& name) override;
  Result<VmView> look(const std::string& vm) override;
  Result<Visit> visit(const std::string& vm) override;
  Result<wire::DeviceStatus> attach(const Uuid& attachment, const wire::DeviceSpec& spec,
                                    const std::string& host_path) override;
  Result<Detachment> detach(const std::string& vm, const Uuid& attachment) override;
  Result<void> resize(const std::string& vm, const Uuid& attachment,
                      std::uint64_t size_bytes) override;
  bool agent_answers(const std::string& vm) override;
  Result<bool> pause(const std::string& vm) override;
  Result<std::int64_t> writes(const std::string& vm) override;
  Result<void> resume(const std::string& vm) override;
  Result<FileFreeze> freeze_files(const std::string& vm) override;
  Result<void> thaw_files(const std::string& vm) override;

  /// The sockets of a VM.
  std::string qmp_path(const std::string& vm) const;
  std::string agent_path(const std::string& vm) const;

 private:
  class Talk;

  Result<std::vector<std::string>> names() const;
  Result<KeyedLock::Guard> lock(const std::string& vm);
  Result<KeyedLock::Guard> lock_agent(const std::string& vm, Milliseconds limit);
  /// not_found when there is no such VM, conflict when it is off.
  Result<Qmp> open(const std::string& vm) const;
  /// Nothing when the VM is off or there is no such VM.
  Result<std::optional<Qmp>> open_if_on(const std::string& vm) const;
  Result<wire::VmStatus> status_of(const std::string& vm, Qmp& qmp) const;
  static Error no_answer(const std::string& vm, const Error& why);
  Result<GuestAgent> open_agent(const std::string& vm) const;

  /// Nothing when the VM holds nothing of the attachment, be it that leftovers were taken away.
  Result<std::optional<wire::DeviceStatus>> shown_already(Qmp& qmp, const Uuid& attachment,
                                                          const wire::DeviceSpec& spec);
  Result<wire::DeviceStatus> plug_and_read_back(Qmp& qmp, const Uuid& attachment,
                                                const wire::DeviceSpec& spec,
                                                const std::string& host_path);
  void roll_back(const Uuid& attachment, const std::string& vm);
  Result<Detachment> clear(Qmp& qmp, const std::string& vm, const Uuid& attachment);
  /// What remains to be done once the disk is out of the VM, or on its way.
  Result<Detachment> clear_rest(Qmp& qmp, const std::string& vm, const Uuid& attachment,
                                const qemu::Held& held);
  Result<void> resize_in(Qmp& qmp, const Uuid& attachment, std::uint64_t size_bytes) const;

  const QemuOptions options_;
  KeyedLock locks_;  ///< by VM name: who speaks QMP
  KeyedLock
      agent_locks_;  ///< by VM name: who speaks with the guest's agent; taken before the other
};

}  // namespace vbs::vmm_delegate
