#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "common/bounded_calls.h"

namespace vbs::vmm_delegate {

/// Requests that may stand still in the kernel: each on a thread of its own, and given up after a
/// limit. The kernel's own time-outs bound how long one that was given up goes on. Thread-safe.
class KernelCalls {
 public:
  /// timeout names `what`, and overloaded says that too many stand still.
  template <class T>
  Result<T> run(const std::string& what, Milliseconds limit, std::function<Result<T>()> call) {
    auto done = calls_.run<T>(limit, std::move(call));
    if (!done && done.error().code == ErrorCode::timeout) {
      done.error().message = what + ": " + done.error().message;
    }
    return done;
  }

  /// Likewise; overloaded also while an earlier request by the name of `what` has not ended, so
  /// that one that hangs is not made once more by everybody who asks again.
  Result<void> run_once(const std::string& what, Milliseconds limit,
                        std::function<Result<void>()> call) {
    {
      const std::lock_guard lock(under_way_->mutex);
      if (!under_way_->names.insert(what).second) {
        return fail(ErrorCode::overloaded, what + ", asked for before, has not ended");
      }
    }
    // Ends with the call, be it after its limit, or here where it was never begun.
    std::shared_ptr<void> turn(nullptr, [under_way = under_way_, what](void*) {
      const std::lock_guard lock(under_way->mutex);
      under_way->names.erase(what);
    });
    return run<void>(what, limit,
                     [turn = std::move(turn), call = std::move(call)] { return call(); });
  }

 private:
  static constexpr std::size_t kMaxCalls = 32;
  struct UnderWay {
    std::mutex mutex;
    std::set<std::string> names;
  };

  const std::shared_ptr<UnderWay> under_way_ = std::make_shared<UnderWay>();
  BoundedCalls calls_{kMaxCalls, "the kernel"};
};

}  // namespace vbs::vmm_delegate
