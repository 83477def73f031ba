#include "vmm_delegate/hypervisor/line_socket.h"

namespace vbs::vmm_delegate {

LineSocket::LineSocket(UnixSocket socket, std::size_t line_limit)
    : socket_(std::move(socket)), line_limit_(line_limit) {}

Result<LineSocket> LineSocket::connect(const std::string& path, MonotonicTime deadline,
                                       std::size_t line_limit) {
  auto socket = UnixSocket::connect(path, deadline);
  if (!socket) return fail(socket.error());
  return LineSocket(*std::move(socket), line_limit);
}

Result<void> LineSocket::send(std::string_view bytes, MonotonicTime deadline) {
  return socket_.send(bytes, deadline);
}

Result<std::string> LineSocket::read_line(MonotonicTime deadline) {
  while (true) {
    const auto end = buffer_.find('\n', scanned_);
    if (end != std::string::npos && end <= line_limit_) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      scanned_ = 0;
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    scanned_ = buffer_.size();
    if (buffer_.size() > line_limit_) {
      return fail(ErrorCode::invalid_request,
                  "an answer is longer than " + std::to_string(line_limit_) + " bytes");
    }
    if (auto filled = socket_.receive(buffer_, deadline); !filled) return fail(filled.error());
  }
}

}  // namespace vbs::vmm_delegate
