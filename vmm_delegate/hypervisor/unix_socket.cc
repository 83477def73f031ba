#include "vmm_delegate/hypervisor/unix_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace vbs::vmm_delegate {
namespace {

constexpr Milliseconds kBacklogPause{10};

tl::unexpected<Error> too_slow() {
  return fail(ErrorCode::timeout, "no answer in time");
}

/// Waits until the socket is ready for `events`, or fails with timeout.
Result<void> wait_for(int fd, short events, MonotonicTime deadline) {
  while (true) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, poll_timeout(deadline));
    if (ready > 0) return {};
    if (ready == 0) return too_slow();
    if (errno != EINTR) return fail(ErrorCode::internal, "poll: " + errno_text(errno));
  }
}

tl::unexpected<Error> connect_error(int number) {
  switch (number) {
    case ENOENT:
      return fail(ErrorCode::not_found, "there is no socket");
    case ECONNREFUSED:
      return fail(ErrorCode::node_unavailable, "nobody listens");
    default:
      return fail(ErrorCode::internal, "cannot connect: " + errno_text(number));
  }
}

}  // namespace

int poll_timeout(MonotonicTime deadline) {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - SystemClock().monotonic()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

MonotonicTime deadline_in(Milliseconds limit) {
  return SystemClock().monotonic() + limit;
}

Result<UnixSocket> UnixSocket::connect(const std::string& path, MonotonicTime deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return fail(ErrorCode::invalid_request, "the path is too long for a socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(ErrorCode::internal, "socket: " + errno_text(errno));
  // A full backlog shows as EAGAIN, and nothing tells when there is room again.
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    if (errno != EAGAIN && errno != EINTR) return connect_error(errno);
    const int left = poll_timeout(deadline);
    if (left == 0) return too_slow();
    ::poll(nullptr, 0, std::min(left, static_cast<int>(kBacklogPause.count())));
  }
  return UnixSocket(std::move(fd));
}

Result<void> UnixSocket::send(std::string_view bytes, MonotonicTime deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(ErrorCode::node_unavailable, "the connection broke");
    if (auto ready = wait_for(fd_.get(), POLLOUT, deadline); !ready) return ready;
  }
  return {};
}

Result<void> UnixSocket::receive(std::string& buffer, MonotonicTime deadline) {
  std::array<char, 16 * 1024> chunk;
  if (auto ready = wait_for(fd_.get(), POLLIN, deadline); !ready) return ready;
  const ssize_t got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
  if (got > 0) {
    buffer.append(chunk.data(), static_cast<std::size_t>(got));
    return {};
  }
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  return fail(ErrorCode::node_unavailable, "the connection was closed");
}

}  // namespace vbs::vmm_delegate
