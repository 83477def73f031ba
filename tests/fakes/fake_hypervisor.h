#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vmm_delegate/hypervisor/hypervisor.h"

namespace vbs::fakes {

/// Virtual machines in memory, with the semantics of the Hypervisor interface: the state of a VM,
/// what it shows, what its guest has mounted, whether it is held still. Thread-safe.
class FakeHypervisor final : public vmm_delegate::Hypervisor {
 public:
  /// Consulted before and after the effect of each changing call ("attach", "detach", "resize",
  /// "pause", "resume", "freeze_files", "thaw_files"): an error makes the call fail there.
  using Fault = std::function<std::optional<Error>(std::string_view call, bool after)>;

  /// One that was never there before: it has a UUID of its own.
  void add_vm(const std::string& name, bool agent, const std::optional<Uuid>& uuid = {});
  void remove_vm(const std::string& name);
  void rename_vm(const std::string& name, const std::string& other);
  /// "running", "paused", "off" (forgets what it showed and held), "unknown" (no call answers).
  void set_state(const std::string& name, const std::string& state);
  void set_agent(const std::string& name, bool agent);
  void mount(const std::string& vm, const std::string& serial, const std::string& mountpoint);
  void unmount(const std::string& vm, const std::string& serial);
  /// While set, a VM that goes off keeps its devices in the definition from which it is started.
  void define(const std::string& vm, bool persistent);
  /// While set, the VM does not let go of devices.
  void hold_devices(const std::string& vm, bool hold);
  /// While set, the guest does not notice that a disk is gone.
  void keep_in_guest(const std::string& vm, bool keep);
  /// The guest writes to one of its disks.
  void write(const std::string& vm);
  /// The guest's file systems are frozen by somebody in the guest.
  void freeze_inside(const std::string& vm);
  void set_fault(Fault fault);
  /// Whether a read-only disk can be shown another size, as Xen does and QEMU does not. It cannot,
  /// at first.
  void let_readers_grow(bool grow);
  /// What the storage shows of a volume now; without it sizes are not known.
  using DiskSize = std::function<std::uint64_t(const Uuid& volume)>;
  void set_disk_size(DiskSize size);

  std::string state(const std::string& vm) const;
  /// Where on the host the storage of the last attach was; "" where the VM was to log in itself.
  std::string last_path() const;
  bool files_frozen(const std::string& vm) const;
  /// Whether a VM that runs, answering or not, has this attachment's device open.
  bool uses(const Uuid& attachment) const;
  /// Changing calls that had an effect, "attach vm1 <uuid>", in order.
  std::vector<std::string> effects() const;

  std::string_view driver() const override { return "fake"; }
  Result<void> check() override { return {}; }
  Result<std::vector<wire::VmStatus>> vms() override;
  Result<wire::VmStatus> vm(const std::string& name) override;
  Result<vmm_delegate::VmView> look(const std::string& vm) override;
  Result<wire::DeviceStatus> attach(const Uuid& attachment, const wire::DeviceSpec& spec,
                                    const std::string& host_path) override;
  Result<vmm_delegate::Detachment> detach(const std::string& vm, const Uuid& attachment) override;
  Result<vmm_delegate::Visit> visit(const std::string& vm) override;
  Result<void> resize(const std::string& vm, const Uuid& attachment,
                      std::uint64_t size_bytes) override;
  bool agent_answers(const std::string& vm) override;
  Result<bool> pause(const std::string& vm) override;
  Result<std::int64_t> writes(const std::string& vm) override;
  Result<void> resume(const std::string& vm) override;
  Result<vmm_delegate::FileFreeze> freeze_files(const std::string& vm) override;
  Result<void> thaw_files(const std::string& vm) override;

 private:
  struct Machine {
    std::optional<Uuid> uuid;
    std::string state = "running";
    bool agent = false;
    bool persistent = false;
    bool holds_devices = false;
    bool files_frozen = false;
    std::int64_t writes = 0;
    bool guest_is_slow = false;
    std::map<Uuid, wire::DeviceStatus> devices;
    std::map<Uuid, wire::DeviceStatus> seen_in_guest;        ///< of devices that are gone
    std::map<std::string, std::vector<std::string>> mounts;  ///< by serial
  };

  /// not_found, or timeout where the VM is "unknown".
  Result<Machine*> find(const std::string& name);
  /// Nothing where the VM is off or gone.
  Result<Machine*> find_on(const std::string& name);
  Result<vmm_delegate::GuestView> guest_view(const std::string& vm, const std::string& serial);
  Result<void> fault(std::string_view call, bool after) const;
  wire::VmStatus status_of(const std::string& name, const Machine& machine) const;

  mutable std::recursive_mutex mutex_;  ///< a fault may change the VM
  std::map<std::string, Machine> machines_;
  unsigned made_ = 0;
  Fault fault_;
  DiskSize disk_size_;
  bool readers_grow_ = false;
  std::string last_path_;
  std::vector<std::string> effects_;
};

}  // namespace vbs::fakes
