#include "vmm_delegate/session_service.h"

#include "common/fault_point.h"

namespace vbs::vmm_delegate {

SessionService::SessionService(Initiator& initiator, DeviceService& devices,
                               AttachmentOrders& orders)
    : initiator_(initiator), devices_(devices), orders_(orders) {}

Result<wire::SessionStatus> SessionService::put(const Uuid& attachment,
                                                const wire::SessionSpec& spec) {
  auto order = orders_.begin(attachment, spec.generation, Order::make);
  if (!order) return fail(order.error());
  fault_point("vmmd.log-in.start");
  auto status = initiator_.log_in(attachment, spec);
  if (!status) return status;
  fault_point("vmmd.log-in.before-reply");
  return status;
}

Result<wire::SessionStatus> SessionService::refresh_size(const Uuid& attachment,
                                                         const wire::SessionSizeSpec& spec) {
  auto order = orders_.begin(attachment, spec.session.generation, Order::make);
  if (!order) return fail(order.error());
  fault_point("vmmd.session-size.start");
  auto status = initiator_.refresh_size(attachment, spec.session);
  if (!status) return status;
  fault_point("vmmd.session-size.before-reply");
  if (status->size_bytes == 0 || status->size_bytes >= spec.size_bytes) return status;
  return fail(ErrorCode::node_unavailable, "the device of session " + attachment.str() + " has " +
                                               std::to_string(status->size_bytes) +
                                               " bytes here, not " +
                                               std::to_string(spec.size_bytes));
}

Result<wire::SessionStatus> SessionService::get(const Uuid& attachment) {
  const auto all = initiator_.sessions();
  if (!all) return fail(all.error());
  for (const wire::SessionStatus& session : *all) {
    if (session.attachment == attachment) return session;
  }
  return fail(ErrorCode::not_found, "this node has no session for attachment " + attachment.str());
}

Result<void> SessionService::remove(const Uuid& attachment, std::int64_t generation) {
  auto order = orders_.begin(attachment, generation, Order::remove);
  if (!order) return fail(order.error());
  fault_point("vmmd.log-out.start");
  // Also where no session is seen: one that never came to be may have left something.
  auto done = initiator_.log_out(attachment);
  if (!done && done.error().code == ErrorCode::conflict && devices_.take_away(attachment)) {
    done = initiator_.log_out(attachment);
  }
  if (!done) return done;
  fault_point("vmmd.log-out.before-reply");
  return orders_.removed(attachment);
}

}  // namespace vbs::vmm_delegate
