#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/xen/xen_look.h"
#include "vmm_delegate/hypervisor/xen/xen_toolstack.h"
#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

struct XenOptions {
  std::string toolstack = "xl";                ///< or "xm"
  std::string program;                         ///< its absolute path; empty: looked up
  std::string iqn_prefix = "iqn.2026-01.vbs";  ///< of the targets of VBS
  std::string xenstore = "/run/xenstored/socket";
  std::string sysfs = "/sys";
  xen::Toolstack::Limits limits;
  Milliseconds xenstore_limit{5'000};  ///< for all that one request reads
  Milliseconds busy{3'000};            ///< how long a request waits for another one of the same VM
  Milliseconds connect{3'000};         ///< for the guest to take a disk that is shown to it
  Milliseconds let_go{3'000};          ///< for a guest that was asked before to let go of a disk
  Milliseconds resize{5'000};          ///< for the back end to tell the guest of a new size
};

/// Xen's domains, under the toolstack `xl` or `xm`. The host logs in, and dom0's block back end
/// serves the session's device ("phy:"). Domains are found by name each time, because a domain that
/// is started again has another id and holds nothing. What they hold is read from xenstore, and
/// what is of VBS is recognised by the host device, whose name holds the export's target. No guest
/// agent is known.
class XenHypervisor final : public Hypervisor {
 public:
  explicit XenHypervisor(XenOptions options);

  std::string_view driver() const override { return "xen"; }
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

 private:
  struct Wish;  ///< what an attach asks for

  Result<KeyedLock::Guard> lock(const std::string& vm);
  Result<Xenstore> open() const;
  /// not_found when there is no such domain.
  Result<xen::Domain> domain(const std::string& vm) const;
  /// As xenstore knows it, without its state; nothing when it does not run.
  Result<std::optional<xen::Domain>> running_domain(const std::string& vm) const;
  std::optional<Uuid> attachment_of(const xen::Vbd& vbd) const;
  Result<std::vector<xen::Vbd>> vbds(const xen::Domain& domain) const;
  Result<std::vector<xen::Vbd>> vbds(const xen::Domain& domain, const Uuid& attachment) const;
  wire::DeviceStatus status_of(const std::string& vm, const Uuid& attachment,
                               const xen::Vbd& vbd) const;

  Error not_running(const std::string& vm) const;
  Result<wire::DeviceStatus> attach_to(const xen::Domain& domain, const Wish& wish) const;
  Result<void> check_wish(const Wish& wish) const;
  /// Nothing when the VM holds nothing of the attachment, be it that leftovers were taken away.
  Result<std::optional<wire::DeviceStatus>> shown_already(const xen::Domain& domain,
                                                          const Wish& wish) const;
  Result<void> check_name_free(const xen::Domain& domain, const Wish& wish) const;
  Result<wire::DeviceStatus> plug_and_read_back(const xen::Domain& domain, const Wish& wish) const;
  Result<xen::Vbd> await_guest(const xen::Domain& domain, const Wish& wish) const;
  /// Of a disk that the guest has not taken.
  Result<xen::Vbd> judge_late(const xen::Domain& domain, const xen::Vbd& vbd) const;
  void roll_back(const xen::Domain& domain, const Wish& wish) const;
  Result<bool> gone(const xen::Domain& domain, const xen::Vbd& vbd) const;
  Result<bool> await_gone(const xen::Domain& domain, const xen::Vbd& vbd, Milliseconds limit) const;
  /// Whether a guest that was asked before lets go now.
  Result<bool> let_go(const xen::Domain& domain, const xen::Vbd& vbd) const;
  /// False: the guest has not let go.
  Result<bool> release(const xen::Domain& domain, const xen::Vbd& vbd) const;
  /// What remains to be done, or said, of disks that the guest has not let go of.
  Result<Detachment> judge_held(const xen::Domain& domain, const std::vector<xen::Vbd>& held) const;

  const XenOptions options_;
  const xen::Toolstack tools_;
  const xen::Sysfs sysfs_;
  KeyedLock locks_;  ///< by VM name: who changes it
};

}  // namespace vbs::vmm_delegate
