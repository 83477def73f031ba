#pragma once

#include <atomic>
#include <chrono>

namespace vbs::log {

/// For messages that anybody outside can cause: one a second is enough, or they fill the disk.
/// Thread-safe.
class Interval {
 public:
  /// Whether one may be written now; then the next may a second later.
  bool due() {
    const auto now = std::chrono::steady_clock::now();
    auto next = next_.load(std::memory_order_relaxed);
    return now >= next && next_.compare_exchange_strong(next, now + std::chrono::seconds(1));
  }

 private:
  std::atomic<std::chrono::steady_clock::time_point> next_{};
};

}  // namespace vbs::log
