#include "vmm_delegate/initiator/portal_memory.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "common/file.h"

namespace vbs::vmm_delegate {
namespace {

struct FreeAddress {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};

/// 0, or the errno value of the connection that could not be made.
int connect_within(const PortalAddress& portal, Milliseconds limit) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(portal.address.c_str(), portal.port.c_str(), &hints, &found) != 0) {
    return EINVAL;
  }
  const std::unique_ptr<addrinfo, FreeAddress> info(found);
  const FileDescriptor socket(
      ::socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno;
  if (::connect(socket.get(), info->ai_addr, info->ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd entry{socket.get(), POLLOUT, 0};
  if (::poll(&entry, 1, static_cast<int>(limit.count())) <= 0) return ETIMEDOUT;
  int number = 0;
  socklen_t size = sizeof(number);
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &number, &size) == 0 ? number : errno;
}

}  // namespace

Result<void> PortalMemory::check(const PortalAddress& portal, Milliseconds limit) {
  const std::string name = joined_portal(portal);
  {
    const std::lock_guard lock(mutex_);
    if (!dead_.contains(name)) return {};
  }
  const int number = connect_within(portal, limit);
  if (number == 0) return {};
  return fail(ErrorCode::node_unavailable,
              "portal " + name + " cannot be reached: " + errno_text(number));
}

void PortalMemory::remember(const PortalAddress& portal, bool answered) {
  const std::lock_guard lock(mutex_);
  if (answered) {
    dead_.erase(joined_portal(portal));
  } else {
    dead_.insert(joined_portal(portal));
  }
}

}  // namespace vbs::vmm_delegate
