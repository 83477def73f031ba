#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "common/clock.h"

namespace vbs::volume_delegate {

/// Calls `look` over and over on a thread of its own, with a pause in between, until destroyed.
class Watcher {
 public:
  Watcher(Milliseconds pause, std::function<void()> look);
  ~Watcher();
  /// Waits until the first look has ended; false if it has not within `limit`.
  bool await_first_look(Milliseconds limit);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  void run();

  const Milliseconds pause_;
  const std::function<void()> look_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable looked_;
  bool has_looked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vbs::volume_delegate
