#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/error.h"
#include "volume_delegate/target/target_driver.h"
#include "volume_delegate/target/tgt/tgt_control.h"
#include "volume_delegate/target/tgt/tgt_options.h"

namespace vbs::volume_delegate {

/// The words after tgtd's name.
std::vector<std::string> tgtd_arguments(const TgtOptions& options);

/// The tgtd process of this server. It outlives the program that started it, is found again by
/// its control socket, and is never stopped from here. Thread-safe.
class TgtDaemon {
 public:
  /// Looks up the program and checks the paths; starts nothing yet.
  static Result<std::unique_ptr<TgtDaemon>> create(const TgtOptions& options);

  /// Adopts the daemon that answers on the control socket if it serves the configured portal, or
  /// starts one. A daemon that hangs is left alone: its sessions may come back to life.
  Result<DaemonState> ensure_running();
  /// True only if nothing can be served: no daemon on the control socket, and either nobody holds
  /// its lock, or nobody listens on the portal. (A tgtd whose socket file was deleted still does.)
  bool surely_stopped();

  TgtControl& control() { return control_; }

 private:
  TgtDaemon(TgtOptions options, std::string program, TgtControl control);
  Result<void> check_portals(const std::string& report) const;
  Result<DaemonState> start();
  Result<void> await_start(int pid);

  TgtOptions options_;
  std::string program_;
  TgtControl control_;
  std::mutex mutex_;  // one start at a time
};

}  // namespace vbs::volume_delegate
