#include "vmm_delegate/initiator/uevents.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace vbs::vmm_delegate {
namespace {

/// NETLINK_KOBJECT_UEVENT: group 1 is the kernel's (lib/kobject_uevent.c), group 2 is udev's, after
/// its rules have run (systemd, sd-device/device-monitor.c).
constexpr unsigned kGroups = 1 | 2;
/// Also the pace without a socket, as in a container.
constexpr Milliseconds kLookAgain{100};

}  // namespace

Uevents::Uevents()
    : socket_(
          ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kGroups;
  if (socket_ &&
      ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    socket_.reset();
  }
}

void Uevents::wait_for_message(Milliseconds limit) {
  pollfd entry{socket_.get(), POLLIN, 0};
  if (::poll(&entry, 1, static_cast<int>(limit.count())) <= 0) return;
  // All that has come together is one reason to look. An overrun is an error that reading clears.
  std::array<char, 256> rest{};
  while (::recv(socket_.get(), rest.data(), rest.size(), MSG_TRUNC) > 0) {
  }
}

bool Uevents::wait_until(MonotonicTime deadline, const std::function<bool()>& done) {
  while (!done()) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - SystemClock().monotonic());
    if (left.count() <= 0) return false;
    wait_for_message(std::min(left, kLookAgain));
  }
  return true;
}

}  // namespace vbs::vmm_delegate
