#pragma once

#include <cstdint>
#include <functional>

#include "common/clock.h"

namespace vbs {

using Task = std::function<void()>;
using TimerId = std::uint64_t;  ///< 0 is never a timer

/// Who runs what next. Tasks of one executor run one at a time and in order of posting, so code
/// that lives on one executor needs no locks. `post*` and `cancel` may be called from any thread.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Task task) = 0;
  virtual TimerId post_after(Milliseconds delay, Task task) = 0;
  /// A timer that already ran, or 0, is ignored.
  virtual void cancel(TimerId timer) = 0;
};

}  // namespace vbs
