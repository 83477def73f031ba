#include "volume_delegate/target/tgt/tgt_exchange.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace vbs::volume_delegate {

Result<void> TgtExchange::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof(address.sun_path)) {
    return fail(ErrorCode::internal, "the control socket's path is too long: " + socket_);
  }
  std::memcpy(address.sun_path, socket_.c_str(), socket_.size() + 1);
  fd_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) return fail(ErrorCode::internal, "no socket: " + errno_text(errno));
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return {};
  }
  const int error = errno;
  if (error == EAGAIN) return silent();  // its queue of connections is full
  return fail(ErrorCode::node_unavailable,
              "no tgtd answers on " + socket_ + ": " + errno_text(error));
}

Result<void> TgtExchange::send(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const char*>(data);
  while (size > 0) {
    if (auto ready = wait(POLLOUT); !ready) return ready;
    const ssize_t sent = ::send(fd_.get(), bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent < 0) return broken(errno_text(errno));
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return {};
}

Result<void> TgtExchange::receive(void* data, std::size_t size) {
  auto* bytes = static_cast<char*>(data);
  while (size > 0) {
    if (auto ready = wait(POLLIN); !ready) return ready;
    const ssize_t got = ::recv(fd_.get(), bytes, size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return broken(errno_text(errno));
    if (got == 0) return broken("it closed the connection (does it run as another user?)");
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

Result<void> TgtExchange::wait(short events) {
  for (;;) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) return silent();
    pollfd poll_for{fd_.get(), events, 0};
    const int ready = ::poll(&poll_for, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return broken(errno_text(errno));
  }
}

Result<void> TgtExchange::silent() const {
  return fail(ErrorCode::timeout, "tgtd on " + socket_ + " does not answer");
}

Result<void> TgtExchange::broken(const std::string& why) const {
  return fail(ErrorCode::timeout, "the connection to tgtd on " + socket_ + " broke: " + why);
}

}  // namespace vbs::volume_delegate
