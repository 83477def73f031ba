#include "common/event_loop.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

namespace vbs {
namespace {

// Keeps now + delay within the range of the steady clock.
constexpr Milliseconds kLongestDelay = std::chrono::hours(24 * 365);
constexpr std::size_t kThreadNameLimit = 15;  // pthread_setname_np(3)

struct Timer {
  Timer(boost::asio::io_context& context, Task timer_task)
      : wait(context), task(std::move(timer_task)) {}
  boost::asio::steady_timer wait;
  Task task;
};

}  // namespace

// A destroyed task may call back into the loop, so what it needs (mutex, timers) is declared, and
// thus outlives, the context that holds the tasks.
struct EventLoop::Impl {
  std::mutex mutex;
  bool stopped = false;
  TimerId last_timer = 0;
  std::unordered_map<TimerId, std::unique_ptr<Timer>> timers;
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  std::mutex join_mutex;
  std::thread thread;

  // Whoever takes a timer out of the map decides its fate: here it runs, in cancel it does not.
  std::unique_ptr<Timer> take(TimerId id) {
    const std::lock_guard lock(mutex);
    const auto found = timers.find(id);
    if (found == timers.end()) return nullptr;
    auto timer = std::move(found->second);
    timers.erase(found);
    return timer;
  }

  void fire(TimerId id) {
    if (const auto timer = take(id)) timer->task();
  }
};

EventLoop::EventLoop(std::string thread_name) : impl_(std::make_unique<Impl>()) {
  thread_name.resize(std::min(thread_name.size(), kThreadNameLimit));
  impl_->thread = std::thread([impl = impl_.get(), name = std::move(thread_name)] {
    ::pthread_setname_np(::pthread_self(), name.c_str());
    impl->context.run();
  });
}

EventLoop::~EventLoop() {
  stop();
}

void EventLoop::post(Task task) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopped) return;
  }
  boost::asio::post(impl_->context, std::move(task));
}

TimerId EventLoop::post_after(Milliseconds delay, Task task) {
  auto timer = std::make_unique<Timer>(impl_->context, std::move(task));
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopped) return 0;
  const TimerId id = ++impl_->last_timer;
  timer->wait.expires_after(std::clamp(delay, Milliseconds(0), kLongestDelay));
  timer->wait.async_wait([impl = impl_.get(), id](const boost::system::error_code& error) {
    if (!error) impl->fire(id);
  });
  impl_->timers.emplace(id, std::move(timer));
  return id;
}

void EventLoop::cancel(TimerId timer) {
  impl_->take(timer);
}

boost::asio::io_context& EventLoop::context() {
  return impl_->context;
}

void EventLoop::stop() {
  std::unordered_map<TimerId, std::unique_ptr<Timer>> dropped;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    dropped.swap(impl_->timers);
  }
  impl_->context.stop();
  // A task may stop its own loop; the join is then left to the destructor, on another thread.
  if (impl_->thread.get_id() == std::this_thread::get_id()) return;
  const std::lock_guard lock(impl_->join_mutex);
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace vbs
