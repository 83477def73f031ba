#pragma once

#include <functional>

#include "common/clock.h"
#include "common/file.h"

namespace vbs::vmm_delegate {

/// Hears of every change of the machine's devices, from the kernel and, once it has made its links,
/// from udev. What a change was is not read: whoever waits looks again. Not thread-safe.
class Uevents {
 public:
  /// Listens from here on, so that nothing is missed of what is begun after this.
  Uevents();

  /// Returns true as soon as `done` does, which is asked now and after each change. A message that
  /// is lost costs a fraction of a second.
  bool wait_until(MonotonicTime deadline, const std::function<bool()>& done);

 private:
  void wait_for_message(Milliseconds limit);

  FileDescriptor socket_;
};

}  // namespace vbs::vmm_delegate
