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

/// A UNIX stream socket that carries lines, with a deadline on each call and a limit on each line.
/// Errors: not_found (no socket at this path), node_unavailable (nobody listens, or the peer
/// closed), timeout, invalid_request (a line above the limit).
class LineSocket {
 public:
  static Result<LineSocket> connect(const std::string& path, MonotonicTime deadline,
                                    std::size_t line_limit);

  Result<void> send(std::string_view bytes, MonotonicTime deadline);
  /// The next line without its end.
  Result<std::string> read_line(MonotonicTime deadline);

 private:
  LineSocket(FileDescriptor fd, std::size_t line_limit);
  Result<void> fill(MonotonicTime deadline);

  FileDescriptor fd_;
  std::size_t line_limit_;
  std::string buffer_;
  std::size_t scanned_ = 0;  ///< bytes of the buffer known to hold no line end
};

}  // namespace vbs::vmm_delegate
