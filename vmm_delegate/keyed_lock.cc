#include "vmm_delegate/keyed_lock.h"

namespace vbs::vmm_delegate {

KeyedLock::Guard::~Guard() {
  if (owner_ == nullptr) return;
  {
    const std::lock_guard lock(owner_->mutex_);
    owner_->held_.erase(key_);
  }
  owner_->released_.notify_all();
}

std::optional<KeyedLock::Guard> KeyedLock::acquire(const std::string& key, Milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (!released_.wait_for(lock, limit, [&] { return !held_.contains(key); })) return std::nullopt;
  held_.insert(key);
  return Guard(*this, key);
}

}  // namespace vbs::vmm_delegate
