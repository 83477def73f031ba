#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "common/executor.h"

namespace vbs {

/// The real Executor: one thread around an asio io_context, which also carries that thread's
/// network I/O. Destruction stops the loop, drops what has not run and joins the thread; it must
/// not happen on the loop's own thread. After `stop` every post is dropped, and post_after returns
/// 0. Thread-safe; a timer cancelled on the loop's own thread surely does not run afterwards.
class EventLoop final : public Executor {
 public:
  explicit EventLoop(std::string thread_name);
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void post(Task task) override;
  TimerId post_after(Milliseconds delay, Task task) override;
  void cancel(TimerId timer) override;

  boost::asio::io_context& context();
  /// Stops after the task that is running and joins; harmless when called twice. Called by a task
  /// it only stops.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs
