#include "common/bounded_calls.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace vbs {
namespace {

constexpr std::chrono::seconds kIdle{10};

}  // namespace

struct BoundedCalls::Pool {
  Pool(std::size_t most, std::string who) : max_threads(most), callee(std::move(who)) {}

  const std::size_t max_threads;
  const std::string callee;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Task> tasks;  ///< never more than there are idle threads
  std::size_t idle = 0;
  std::size_t threads = 0;
  bool stopping = false;
};

BoundedCalls::BoundedCalls(std::size_t max_threads, std::string callee)
    : pool_(std::make_shared<Pool>(max_threads, std::move(callee))) {}

BoundedCalls::~BoundedCalls() {
  const std::lock_guard lock(pool_->mutex);
  pool_->stopping = true;
  pool_->wake.notify_all();
}

void BoundedCalls::work(const std::shared_ptr<Pool>& pool, Task task) {
  while (true) {
    task.call();
    task.call = nullptr;
    std::unique_lock lock(pool->mutex);
    ++pool->idle;
    task.ended.set_value();  // who asks again at once finds this thread free
    pool->wake.wait_for(lock, kIdle, [&] { return pool->stopping || !pool->tasks.empty(); });
    --pool->idle;
    if (pool->tasks.empty()) {
      --pool->threads;
      return;
    }
    task = std::move(pool->tasks.front());
    pool->tasks.pop_front();
  }
}

Result<void> BoundedCalls::start(Task task) {
  const std::lock_guard lock(pool_->mutex);
  if (pool_->tasks.size() < pool_->idle) {
    pool_->tasks.push_back(std::move(task));
    pool_->wake.notify_one();
    return {};
  }
  if (pool_->threads == pool_->max_threads) {
    return fail(ErrorCode::overloaded, std::to_string(pool_->threads) + " calls to " +
                                           pool_->callee +
                                           " have not come back; no more are made until one does");
  }
  try {
    std::thread thread(work, pool_, std::move(task));
    ::pthread_setname_np(thread.native_handle(), "bounded-call");
    thread.detach();
  } catch (const std::system_error& error) {
    return fail(ErrorCode::overloaded, std::string("no thread can be made: ") + error.what());
  }
  ++pool_->threads;
  return {};
}

Result<void> BoundedCalls::run_task(Milliseconds limit, std::function<void()> call) {
  Task task{std::move(call), {}};
  const auto ended = task.ended.get_future();
  if (auto started = start(std::move(task)); !started) return started;
  if (ended.wait_for(limit) == std::future_status::ready) return {};
  return fail(ErrorCode::timeout, "no answer from " + pool_->callee + " within " +
                                      std::to_string(limit.count()) + " ms");
}

}  // namespace vbs
