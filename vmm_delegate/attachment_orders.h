#pragma once

#include "vmm_delegate/generations.h"
#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

/// Lets the orders for one attachment through one after the other, and none that was overtaken.
/// Shared by all services that act on attachments. Thread-safe.
class AttachmentOrders {
 public:
  explicit AttachmentOrders(Generations& generations) : generations_(generations) {}

  /// The order may be carried out while the guard lives. overloaded when another one takes too
  /// long, stale_generation when it was overtaken.
  Result<KeyedLock::Guard> begin(const Uuid& attachment, std::int64_t generation, Order order);
  /// To be called when nothing of the attachment is left here, before the guard of the order that
  /// removed it goes. A removal that was refused has removed nothing.
  Result<void> removed(const Uuid& attachment) { return generations_.removed(attachment); }

 private:
  Generations& generations_;
  KeyedLock locks_;  ///< by attachment
};

}  // namespace vbs::vmm_delegate
