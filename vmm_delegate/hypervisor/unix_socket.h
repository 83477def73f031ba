#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"

namespace vbs::vmm_delegate {

/// Time left until a deadline, in whole milliseconds for poll(2); 0 when it has passed.
int poll_timeout(MonotonicTime deadline);
/// `limit` from now on.
MonotonicTime deadline_in(Milliseconds limit);

/// A UNIX stream socket with a deadline on each call. Errors: not_found (no socket at this path),
/// node_unavailable (nobody listens, or the peer closed), timeout.
class UnixSocket {
 public:
  static Result<UnixSocket> connect(const std::string& path, MonotonicTime deadline);

  Result<void> send(std::string_view bytes, MonotonicTime deadline);
  /// Appends what has come, at least one byte unless a signal interrupted the wait.
  Result<void> receive(std::string& buffer, MonotonicTime deadline);

 private:
  explicit UnixSocket(FileDescriptor fd) : fd_(std::move(fd)) {}

  FileDescriptor fd_;
};

}  // namespace vbs::vmm_delegate
