#include "volume_delegate/store/lvm/command_queue.h"

namespace vbs::volume_delegate {

void CommandQueue::enter(Order order) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_++;
  auto& line = order == Order::urgent ? urgent_ : usual_;
  line.push_back(ticket);
  changed_.wait(lock, [&] {
    if (busy_ || line.front() != ticket) return false;
    return order == Order::urgent || urgent_.empty();
  });
  line.pop_front();
  busy_ = true;
  since_ = clock_.monotonic();
}

Milliseconds CommandQueue::busy_for() const {
  std::lock_guard lock(mutex_);
  if (!busy_) return Milliseconds(0);
  return std::chrono::duration_cast<Milliseconds>(clock_.monotonic() - since_);
}

void CommandQueue::leave() {
  {
    std::lock_guard lock(mutex_);
    busy_ = false;
  }
  changed_.notify_all();
}

}  // namespace vbs::volume_delegate
