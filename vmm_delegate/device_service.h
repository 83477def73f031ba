#pragma once

#include <optional>
#include <string>

#include "common/wire/device.h"
#include "common/wire/size.h"
#include "vmm_delegate/attachment_orders.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/initiator/initiator.h"

namespace vbs::vmm_delegate {

/// Where VMs have UUIDs, another of the same name is not meant.
struct MeantVm {
  std::string name;
  std::optional<Uuid> uuid = std::nullopt;
};

/// block-attach and block-detach: the resource /v1/devices. Thread-safe; calls block.
class DeviceService {
 public:
  DeviceService(Hypervisor& hypervisor, Initiator& initiator, AttachmentOrders& orders);

  /// Shows the volume to the VM. The storage is tried first, so that a dead portal or a wrong
  /// volume never reaches the VM.
  Result<wire::DeviceStatus> put(const Uuid& attachment, const wire::DeviceSpec& spec);
  /// Lets the VM see the size that its device has now; nothing where it is off.
  Result<std::optional<wire::DeviceStatus>> resize(const Uuid& attachment,
                                                   const wire::DeviceSizeSpec& spec);
  /// Looks in one VM or, where `vm` is empty, in all. not_found when none shows it.
  Result<wire::DeviceStatus> get(const Uuid& attachment, const std::string& vm);

  struct Removal {
    std::optional<wire::DeviceStatus> left;  ///< empty when the VM shows nothing of it
    std::string note;                        ///< what a person should know about it; "" if nothing
  };
  /// Without `force`, a disk that the guest has mounted, or of which its agent does not tell
  /// whether it is, is a conflict.
  Result<Removal> remove(const Uuid& attachment, const MeantVm& meant, std::int64_t generation,
                         bool force);

  /// Whichever VM shows it, without asking its guest; whether one did, and has let go.
  bool take_away(const Uuid& attachment);

 private:
  /// Where the session's disk is on this host; "" where the VM is to log in itself.
  Result<std::string> log_in(const Uuid& attachment, const wire::DeviceSpec& spec);
  Result<std::string> path_of(const Uuid& attachment, const Uuid& volume);
  /// The VM of that name; where it is gone, or is another by now and does not show the device, the
  /// one that does.
  Result<Visit> visit_holder(const Uuid& attachment, const MeantVm& meant);
  /// Whether the disk that the VM has been shown is the volume's; takes it away where it may not
  /// be.
  Result<void> prove_shown(const Uuid& attachment, const wire::DeviceSpec& spec);

  Hypervisor& hypervisor_;
  Initiator& initiator_;
  AttachmentOrders& orders_;
};

}  // namespace vbs::vmm_delegate
