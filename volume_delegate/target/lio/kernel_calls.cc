#include "volume_delegate/target/lio/kernel_calls.h"

namespace vbs::volume_delegate {

Result<void> KernelCalls::Ticket::check_may_begin() {
  const std::lock_guard guard(all_->mutex);
  if (!all_->objects.contains(object_)) return {};
  return fail(ErrorCode::timeout, "the kernel has not come back from an earlier call about " +
                                      object_ + "; does its device answer?");
}

void KernelCalls::Ticket::leave_behind() {
  const std::lock_guard guard(all_->mutex);
  if (ended_) return;
  left_ = true;
  all_->objects.insert(object_);
}

void KernelCalls::Ticket::end() {
  const std::lock_guard guard(all_->mutex);
  ended_ = true;
  if (left_) all_->objects.erase(all_->objects.find(object_));
}

}  // namespace vbs::volume_delegate
