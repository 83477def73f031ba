#pragma once

#include <optional>
#include <string>

#include "common/error.h"
#include "common/file.h"

namespace vbs::vmm_delegate {

/// A lock file that says what a process is doing: a lease helper that it watches, a delegate that
/// it is holding a VM still right now. The kernel drops the lock with the process.
class LeaseLock {
 public:
  /// Nothing when another process holds it.
  static Result<std::optional<LeaseLock>> take(const std::string& path);
  static bool held(const std::string& path);

 private:
  explicit LeaseLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace vbs::vmm_delegate
