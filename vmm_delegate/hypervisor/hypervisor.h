#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/wire/device.h"
#include "common/wire/inventory.h"

namespace vbs::vmm_delegate {

/// One disk as the guest itself sees it.
struct GuestDisk {
  std::string device;                    ///< "/dev/sda"
  std::vector<std::string> mountpoints;  ///< of the disk, its partitions and what is built on them
};

/// What the guest says of a disk. `agent` is false where no guest agent has ever opened its
/// channel: then nothing is known and nothing can be asked.
struct GuestView {
  bool agent = false;
  std::optional<GuestDisk> disk;
};

/// A talk with a guest's agent. While it lives it may keep others from the agent, though never for
/// long. For one thread.
class GuestTalk {
 public:
  virtual ~GuestTalk() = default;

  /// What the guest says now of the disk with this serial number. An error where there is an agent
  /// that does not tell.
  virtual Result<GuestView> look(std::string_view serial) = 0;
  /// The same in less time, for who only asks about mounts: the disk is left out where nothing of
  /// it is mounted.
  virtual Result<GuestView> look_at_mounts(std::string_view serial) = 0;
  /// The same as soon as the guest shows the disk, or shows it no longer, and what it says then
  /// after `wait` at the latest.
  virtual Result<GuestView> wait_until(bool shown, std::string_view serial, Milliseconds wait) = 0;
};

/// One look at a VM.
struct VmView {
  wire::VmStatus status;
  /// What it holds of attachments. State "attached": shown in full; "detaching": a part of it, that
  /// a detach or an attach which did not end has left, or what only the definition has from which
  /// the VM is started. A VM that is off holds nothing else. Guest fields are not filled in.
  std::vector<wire::DeviceStatus> devices;

  /// Null when it holds nothing of the attachment.
  const wire::DeviceStatus* find(const Uuid& attachment) const;
};

/// A look at a VM, with a talk to its guest begun: an agent that nobody has spoken to for a while
/// takes a moment to notice that somebody does.
struct Visit {
  VmView view;
  std::unique_ptr<GuestTalk> guest;  ///< the hypervisor must outlive it
};

/// What is left of an attachment after `detach`.
struct Detachment {
  /// Empty: the VM shows nothing of it. Else what still holds it, for a person.
  std::string waiting_for;
};

enum class FileFreeze {
  frozen,      ///< by this call
  was_frozen,  ///< somebody froze the file systems before
};

/// The machine's virtual machines. Every call looks before it acts, so that doing it again is
/// harmless, is bounded in time also when a VM hangs, and waits for other VMs' requests at no time.
/// Thread-safe.
///
/// Errors: not_found (no such VM), conflict (the VM's state does not allow it), overloaded (another
/// request holds that VM; surely not done), timeout (the VM did not answer; outcome unknown),
/// node_unavailable (the storage does not answer, or the VM went away meanwhile).
class Hypervisor {
 public:
  virtual ~Hypervisor() = default;

  /// "qemu", as in the configuration.
  virtual std::string_view driver() const = 0;
  /// An error when the hypervisor as a whole is out of order.
  virtual Result<void> check() = 0;

  /// Sorted by name. A VM that does not answer in time has the state "unknown".
  virtual Result<std::vector<wire::VmStatus>> vms() = 0;
  virtual Result<wire::VmStatus> vm(const std::string& name) = 0;

  /// The VM and what it holds of attachments, read from the VM and not from memory.
  virtual Result<VmView> look(const std::string& vm) = 0;
  virtual Result<Visit> visit(const std::string& vm) = 0;

  /// Shows the device `host_path` (or, where the VM is its own initiator, the session's target) to
  /// the VM, with the volume's UUID as serial. Leaves nothing behind when it fails.
  virtual Result<wire::DeviceStatus> attach(const Uuid& attachment, const wire::DeviceSpec& spec,
                                            const std::string& host_path) = 0;
  /// Takes whatever the VM holds of the attachment away, whatever the guest does with it. A VM that
  /// is off or unknown holds nothing.
  virtual Result<Detachment> detach(const std::string& vm, const Uuid& attachment) = 0;

  /// Shows the VM the size that the attachment's device has now, which is `size_bytes` or a little
  /// more, as storage in whole extents has; success where it shows that already, and where the VM
  /// is off. Its guest goes on meanwhile. not_found: no such VM, or it holds nothing of the
  /// attachment. node_unavailable: the storage below does not show that size. conflict: the device
  /// shows another size only when it is attached anew.
  virtual Result<void> resize(const std::string& vm, const Uuid& attachment,
                              std::uint64_t size_bytes) = 0;

  /// Whether the guest has an agent that answers, and does so now.
  virtual bool agent_answers(const std::string& vm) = 0;

  /// Stops the VM's processors. False: they were stopped already.
  virtual Result<bool> pause(const std::string& vm) = 0;
  /// How many writes the disks of a VM that is on have taken since it was started: the same number
  /// as before means that it has written nothing meanwhile.
  virtual Result<std::int64_t> writes(const std::string& vm) = 0;
  /// Lets them run; also success where they run or the VM is off or gone.
  virtual Result<void> resume(const std::string& vm) = 0;
  /// Flushes and freezes the guest's file systems through its agent. conflict: it refuses, and has
  /// frozen nothing.
  virtual Result<FileFreeze> freeze_files(const std::string& vm) = 0;
  /// Success also where they are not frozen, or the VM is off or gone.
  virtual Result<void> thaw_files(const std::string& vm) = 0;
};

}  // namespace vbs::vmm_delegate
