#pragma once

#include <string>

#include "common/error.h"
#include "common/file.h"

namespace vbs::volume_delegate {

/// The folder for what has to outlive the process, held by one process at a time. The kernel lets
/// go of it when the process ends, however it ends.
class StateDirectory {
 public:
  /// Makes the folder (mode 0700) if need be. `conflict` when another process has it.
  static Result<StateDirectory> take(const std::string& path);

 private:
  explicit StateDirectory(FileDescriptor lock) : lock_(std::move(lock)) {}
  FileDescriptor lock_;
};

}  // namespace vbs::volume_delegate
