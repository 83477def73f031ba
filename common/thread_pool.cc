#include "common/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace vbs {
namespace {

constexpr std::size_t kThreadNameLimit = 15;  // pthread_setname_np(3)

}  // namespace

ThreadPool::ThreadPool(std::string name, unsigned threads, std::size_t max_queue)
    : max_queue_(max_queue), idle_(std::max(threads, 1U)) {
  name.resize(std::min(name.size(), kThreadNameLimit));
  const std::size_t count = idle_;
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, name] {
      ::pthread_setname_np(::pthread_self(), name.c_str());
      run();
    });
  }
}

ThreadPool::~ThreadPool() {
  stop();
}

bool ThreadPool::try_post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= max_queue_ + idle_) return false;
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void ThreadPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (auto& thread : threads) thread.join();
}

void ThreadPool::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds is released before the thread counts as free
    lock.lock();
    ++idle_;
  }
}

}  // namespace vbs
