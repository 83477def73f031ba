#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "common/bounded_calls.h"

namespace vbs::vmm_delegate {

/// A question that many ask, and whose answer may not come: it is asked once at a time, and whoever
/// asks meanwhile gets the same answer. Thread-safe.
class SharedQuestion {
 public:
  explicit SharedQuestion(std::function<Result<void>()> ask)
      : state_(std::make_shared<State>()), ask_(std::move(ask)) {}

  /// Errors: those of the answer; timeout; overloaded where it could not be asked.
  Result<void> answer(BoundedCalls& calls, Milliseconds limit) {
    std::unique_lock lock(state_->mutex);
    if (state_->asking) {
      if (state_->answered.wait_for(lock, limit, [&] { return !state_->asking; })) {
        return state_->last;
      }
      return fail(ErrorCode::timeout, "no answer within " + std::to_string(limit.count()) + " ms");
    }
    state_->asking = true;
    state_->last = fail(ErrorCode::overloaded, "it could not be asked");
    lock.unlock();
    // Ends with the call, be it after its limit, or here where it was never begun.
    std::shared_ptr<void> turn(nullptr, [state = state_](void*) {
      const std::lock_guard ended(state->mutex);
      state->asking = false;
      state->answered.notify_all();
    });
    return calls.run<void>(limit, [state = state_, turn = std::move(turn), ask = ask_] {
      Result<void> told = ask();
      const std::lock_guard given(state->mutex);
      state->last = told;
      return told;
    });
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable answered;
    bool asking = false;
    Result<void> last;
  };

  const std::shared_ptr<State> state_;
  const std::function<Result<void>()> ask_;
};

}  // namespace vbs::vmm_delegate
