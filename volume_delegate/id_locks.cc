#include "volume_delegate/id_locks.h"

#include <algorithm>

namespace vbs::volume_delegate {

Result<IdLocks::Guard> IdLocks::take(std::vector<Uuid> ids, Milliseconds limit) {
  std::unique_lock lock(mutex_);
  const auto is_held = [this](const Uuid& id) { return held_.contains(id); };
  const auto all_free = [&] { return std::none_of(ids.begin(), ids.end(), is_held); };
  if (!freed_.wait_for(lock, limit, all_free)) {
    const Uuid& busy = *std::find_if(ids.begin(), ids.end(), is_held);
    return fail(ErrorCode::overloaded,
                "another request about " + busy.str() + " is still under way; try again");
  }
  held_.insert(ids.begin(), ids.end());
  return Guard(*this, std::move(ids));
}

IdLocks::Guard::~Guard() {
  if (locks_ == nullptr) return;
  {
    std::lock_guard lock(locks_->mutex_);
    for (const auto& id : ids_) locks_->held_.erase(id);
  }
  locks_->freed_.notify_all();
}

}  // namespace vbs::volume_delegate
