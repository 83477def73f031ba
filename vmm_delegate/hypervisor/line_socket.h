#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/error.h"
#include "vmm_delegate/hypervisor/unix_socket.h"

namespace vbs::vmm_delegate {

/// A UNIX stream socket that carries lines, with a deadline on each call and a limit on each line.
/// Errors: those of UnixSocket, and invalid_request (a line above the limit).
class LineSocket {
 public:
  static Result<LineSocket> connect(const std::string& path, MonotonicTime deadline,
                                    std::size_t line_limit);

  Result<void> send(std::string_view bytes, MonotonicTime deadline);
  /// The next line without its end.
  Result<std::string> read_line(MonotonicTime deadline);

 private:
  LineSocket(UnixSocket socket, std::size_t line_limit);

  UnixSocket socket_;
  std::size_t line_limit_;
  std::string buffer_;
  std::size_t scanned_ = 0;  ///< bytes of the buffer known to hold no line end
};

}  // namespace vbs::vmm_delegate
