#pragma once

#include "common/wire/session.h"
#include "common/wire/size.h"
#include "vmm_delegate/attachment_orders.h"
#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/initiator/initiator.h"

namespace vbs::vmm_delegate {

/// log-in and log-out: the resource /v1/sessions. Thread-safe; calls block.
class SessionService {
 public:
  SessionService(Hypervisor& hypervisor, Initiator& initiator, AttachmentOrders& orders);

  Result<wire::SessionStatus> put(const Uuid& attachment, const wire::SessionSpec& spec);
  /// Lets the host see the size that the export shows now.
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSizeSpec& spec);
  /// not_found where this host has no session for it, as always where VMs have their own initiator.
  Result<wire::SessionStatus> get(const Uuid& attachment);
  /// A session whose device a VM still shows is a conflict. A VM that does not answer counts by
  /// what it has open alone.
  Result<void> remove(const Uuid& attachment, std::int64_t generation);

 private:
  Result<void> check_unused(const Uuid& attachment);

  Hypervisor& hypervisor_;
  Initiator& initiator_;
  AttachmentOrders& orders_;
};

}  // namespace vbs::vmm_delegate
