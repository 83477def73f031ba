#pragma once

#include "common/wire/session.h"
#include "common/wire/size.h"
#include "vmm_delegate/attachment_orders.h"
#include "vmm_delegate/device_service.h"
#include "vmm_delegate/initiator/initiator.h"

namespace vbs::vmm_delegate {

/// log-in and log-out: the resource /v1/sessions. Thread-safe; calls block.
class SessionService {
 public:
  SessionService(Initiator& initiator, DeviceService& devices, AttachmentOrders& orders);

  Result<wire::SessionStatus> put(const Uuid& attachment, const wire::SessionSpec& spec);
  /// Lets the host see the size that the export shows now.
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSizeSpec& spec);
  /// not_found where this host has no session for it, as always where VMs have their own initiator.
  Result<wire::SessionStatus> get(const Uuid& attachment);
  /// A session whose disk anybody has open is a conflict, be it a VM that does not answer. From a
  /// VM that shows the disk, as one that was being started while the device was removed, it is
  /// taken away.
  Result<void> remove(const Uuid& attachment, std::int64_t generation);

 private:
  Initiator& initiator_;
  DeviceService& devices_;
  AttachmentOrders& orders_;
};

}  // namespace vbs::vmm_delegate
