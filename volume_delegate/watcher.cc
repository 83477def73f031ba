#include "volume_delegate/watcher.h"

#include <utility>

namespace vbs::volume_delegate {

Watcher::Watcher(Milliseconds pause, std::function<void()> look)
    : pause_(pause), look_(std::move(look)), thread_([this] { run(); }) {}

Watcher::~Watcher() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool Watcher::await_first_look(Milliseconds limit) {
  std::unique_lock lock(mutex_);
  return looked_.wait_for(lock, limit, [this] { return has_looked_; });
}

void Watcher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look_();
    lock.lock();
    has_looked_ = true;
    looked_.notify_all();
    wake_.wait_for(lock, pause_, [this] { return stopping_; });
  }
}

}  // namespace vbs::volume_delegate
