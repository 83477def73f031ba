#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

#include "common/clock.h"

namespace vbs::volume_delegate {

/// Lets one at a time through, in the order they came; the urgent ones first. Thread-safe.
class CommandQueue {
 public:
  enum class Order { usual, urgent };

  explicit CommandQueue(Clock& clock) : clock_(clock) {}

  /// For how long the one that was let through is at it; 0 if there is none.
  Milliseconds busy_for() const;

  /// Holds the queue as long as it lives.
  class Turn {
   public:
    Turn(CommandQueue& queue, Order order) : queue_(queue) { queue_.enter(order); }
    ~Turn() { queue_.leave(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    CommandQueue& queue_;
  };

 private:
  void enter(Order order);
  void leave();

  Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  MonotonicTime since_{};  // busy
  std::uint64_t next_ = 0;
  std::deque<std::uint64_t> usual_, urgent_;
};

}  // namespace vbs::volume_delegate
