#pragma once

#include "common/wire/session.h"
#include "common/wire/size.h"
#include "vmm_delegate/attachment_orders.h"
#include "vmm_delegate/initiator/initiator.h"

namespace vbs::vmm_delegate {

/// log-in and log-out: the resource /v1/sessions. Thread-safe; calls block.
class SessionService {
 public:
  SessionService(Initiator& initiator, AttachmentOrders& orders);

  Result<wire::SessionStatus> put(const Uuid& attachment, const wire::SessionSpec& spec);
  /// Lets the host see the size that the export shows now.
  Result<wire::SessionStatus> refresh_size(const Uuid& attachment,
                                           const wire::SessionSizeSpec& spec);
  /// not_found where this host has no session for it, as always where VMs have their own initiator.
  Result<wire::SessionStatus> get(const Uuid& attachment);
  /// A session whose disk anybody has open is a conflict, as a VM that still shows it, even one
  /// that does not answer.
  Result<void> remove(const Uuid& attachment, std::int64_t generation);

 private:
  Initiator& initiator_;
  AttachmentOrders& orders_;
};

}  // namespace vbs::vmm_delegate
