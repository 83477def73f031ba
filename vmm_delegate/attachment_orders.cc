#include "vmm_delegate/attachment_orders.h"

namespace vbs::vmm_delegate {
namespace {

/// An attach waits for the guest to name its disk.
constexpr Milliseconds kBusyWait{12'000};

}  // namespace

Result<KeyedLock::Guard> AttachmentOrders::begin(const Uuid& attachment, std::int64_t generation,
                                                 Order order) {
  auto guard = locks_.acquire(attachment.str(), kBusyWait);
  if (!guard) {
    return fail(ErrorCode::overloaded, "another order for attachment " + attachment.str() +
                                           " is still under way; try again");
  }
  if (auto accepted = generations_.accept(attachment, generation, order); !accepted) {
    return fail(accepted.error());
  }
  return *std::move(guard);
}

}  // namespace vbs::vmm_delegate
