#include "vmm_delegate/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "common/file.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::string_view kReady = "READY=1";

tl::unexpected<Error> cannot(std::string_view why) {
  return fail(ErrorCode::internal,
              "cannot tell the service manager that this program is ready: " + std::string(why));
}

}  // namespace

Result<void> tell_ready() {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view name = variable == nullptr ? "" : variable;
  if (name.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof(address.sun_path)) return cannot("its socket's name is too long");
  std::memcpy(address.sun_path, name.data(), name.size());
  // An abstract name is written with an '@' in place of the NUL that begins it.
  if (name.front() == '@') address.sun_path[0] = '\0';
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return cannot(errno_text(errno));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const ssize_t sent = ::sendto(socket.get(), kReady.data(), kReady.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  return sent < 0 ? Result<void>(cannot(errno_text(errno))) : Result<void>();
}

}  // namespace vbs::vmm_delegate
