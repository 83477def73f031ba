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

void Watcher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look_();
    lock.lock();
    wake_.wait_for(lock, pause_, [this] { return stopping_; });
  }
}

}  // namespace vbs::volume_delegate
