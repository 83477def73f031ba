#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/executor.h"

namespace vbs {

/// A bounded pool for work that blocks (file copies, a hypervisor's monitor). Thread-safe, except
/// that the pool must not be stopped or destroyed by one of its own tasks.
class ThreadPool {
 public:
  /// At most `max_queue` tasks wait while `threads` run.
  ThreadPool(std::string name, unsigned threads, std::size_t max_queue);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// False when the queue is full or the pool is stopping: the task will not run.
  bool try_post(Task task);
  /// Runs what is queued to its end, then joins.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;
  std::size_t max_queue_;
  std::size_t idle_;  ///< threads that run no task, whether they wait yet or not
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vbs
