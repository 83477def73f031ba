#pragma once

#include <string>

#include "common/error.h"
#include "common/file.h"

namespace vbs::vmm_delegate {

/// The folder for what outlives the process, made with mode 0700 if need be and held by one process
/// at a time; the kernel lets go of it however the process ends.
class StateLock {
 public:
  /// conflict when another process has it.
  static Result<StateLock> take(const std::string& folder);

 private:
  explicit StateLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace vbs::vmm_delegate
