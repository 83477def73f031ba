#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/clock.h"
#include "common/error.h"

namespace vbs::vmm_delegate {

/// Runs `work`, which may stand still in the kernel, on a thread of its own and waits for it no
/// longer than `limit`; `timeout` names `what`. A thread that is given up ends when the kernel lets
/// it, so `work` must own all that it uses. The kernel's own time-outs bound how long that takes.
template <class T>
Result<T> bounded_call(const std::string& what, Milliseconds limit,
                       std::function<Result<T>()> work) {
  struct Shared {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<T>> result;
  };
  const auto shared = std::make_shared<Shared>();
  std::thread([shared, work = std::move(work)] {
    Result<T> result = work();
    {
      const std::lock_guard lock(shared->mutex);
      shared->result = std::move(result);
    }
    shared->done.notify_all();
  }).detach();
  std::unique_lock lock(shared->mutex);
  if (shared->done.wait_for(lock, limit, [&] { return shared->result.has_value(); })) {
    return *std::move(shared->result);
  }
  return fail(ErrorCode::timeout,
              what + " has not ended after " + std::to_string(limit.count()) + " ms");
}

}  // namespace vbs::vmm_delegate
