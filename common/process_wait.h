#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"

namespace vbs::process {

/// A started child, leader of its own process group, with the reading ends of its two pipes.
struct Child {
  pid_t pid = -1;
  FileDescriptor pidfd;
  FileDescriptor out;
  FileDescriptor err;
};

/// Collects what the child says and reaps it when it is gone, by force after the command's limits.
/// Who only inherited the pipes (a daemon that the child left behind) is not waited for. A child in
/// uninterruptible sleep holds the call until the kernel lets it go.
Result<Outcome> wait_for(Child child, const Command& command);

}  // namespace vbs::process
