#include "volume_delegate/id_locks.h"

#include <algorithm>
#include <utility>

namespace vbs::volume_delegate {

IdLocks::Guard::Guard(IdLocks& locks, std::vector<Uuid> ids) : locks_(locks), ids_(std::move(ids)) {
  std::unique_lock lock(locks_.mutex_);
  locks_.freed_.wait(lock, [&] {
    return std::none_of(ids_.begin(), ids_.end(),
                        [&](const Uuid& id) { return locks_.held_.contains(id); });
  });
  locks_.held_.insert(ids_.begin(), ids_.end());
}

IdLocks::Guard::~Guard() {
  {
    std::lock_guard lock(locks_.mutex_);
    for (const auto& id : ids_) locks_.held_.erase(id);
  }
  locks_.freed_.notify_all();
}

}  // namespace vbs::volume_delegate
