#pragma once

#include <signal.h>

#include <functional>

namespace vbs {

/// What a service is told by signals: SIGTERM and SIGINT end it, SIGHUP makes it open its log anew
/// (log rotation) and read its certificates again. SIGPIPE is ignored.
class ServiceSignals {
 public:
  /// To be made first of all, in the first thread: the signals are blocked in it and in the threads
  /// that it starts.
  ServiceSignals();

  /// Returns when the service is to end. Calls `reload` after each SIGHUP, once the log is open
  /// again, and meanwhile `each_second`; without one it sleeps.
  void wait_for_stop(const std::function<void()>& reload,
                     const std::function<void()>& each_second = nullptr) const;

 private:
  sigset_t signals_;
};

}  // namespace vbs
