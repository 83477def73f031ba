#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "common/executor.h"

namespace vbs {

/// The real Executor: one thread around an asio io_context, which also carries that thread's
/// network I/O. Destruction stops the loop, drops what has not run and joins the thread.
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
  /// Stops after the task that is running and joins; harmless when called twice.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs
