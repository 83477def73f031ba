#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/clock.h"
#include "common/error.h"

namespace vbs {

/// Runs calls that cannot be interrupted on threads of their own, so that whoever asked goes on in
/// time. A call that is left behind runs to its end, and its thread with it; it must own whatever
/// it uses. Thread-safe.
class BoundedCalls {
 public:
  /// No more calls than `max_threads` run at once, those left behind included. `callee` is who
  /// answers them, for messages: "libvirt".
  BoundedCalls(std::size_t max_threads, std::string callee);
  /// Waits for no call.
  ~BoundedCalls();
  BoundedCalls(const BoundedCalls&) = delete;
  BoundedCalls& operator=(const BoundedCalls&) = delete;

  /// Errors: those of the call; timeout (it goes on by itself, its outcome is unknown); overloaded
  /// (not begun, because too many are left behind).
  template <class T>
  Result<T> run(Milliseconds limit, std::function<Result<T>()> call) {
    auto slot = std::make_shared<std::optional<Result<T>>>();
    auto done = run_task(limit, [slot, call = std::move(call)]() mutable {
      slot->emplace(call());
      call = nullptr;  // what it held is free before the caller hears of it
    });
    if (!done) return fail(done.error());
    return **std::move(slot);
  }

 private:
  struct Pool;
  struct Task {
    std::function<void()> call;
    std::promise<void> ended;
  };
  static void work(const std::shared_ptr<Pool>& pool, Task task);
  Result<void> run_task(Milliseconds limit, std::function<void()> call);
  Result<void> start(Task task);

  std::shared_ptr<Pool> pool_;  ///< of the threads, too
};

}  // namespace vbs
