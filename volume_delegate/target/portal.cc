#include "volume_delegate/target/portal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "common/file.h"
#include "common/names.h"

namespace vbs::volume_delegate {
namespace {

constexpr unsigned kFirstEphemeralPort = 32768;
constexpr std::size_t kMaxTable = 64 << 20;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;  ///< 0: the text is no numeric address
  bool wildcard = false;
};

SocketAddress socket_address(const Portal& portal) {
  SocketAddress out;
  if (portal.address.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(portal.port);
    if (::inet_pton(AF_INET, portal.address.c_str(), &v4->sin_addr) == 1) out.size = sizeof(*v4);
    out.wildcard = v4->sin_addr.s_addr == htonl(INADDR_ANY);
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(portal.port);
    if (::inet_pton(AF_INET6, portal.address.c_str(), &v6->sin6_addr) == 1) out.size = sizeof(*v6);
    out.wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
  }
  return out;
}

/// "0100007F:0CBC" as in /proc/net/tcp: the address as 32-bit words in the machine's byte order,
/// and the port (Linux, net/ipv4/tcp_ipv4.c, get_tcp4_sock).
std::string table_address(const SocketAddress& address, std::uint16_t port, bool wildcard) {
  std::uint32_t words[4]{};
  std::size_t count = 4;
  if (address.storage.ss_family == AF_INET) {
    count = 1;
    words[0] = reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr;
  } else {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    std::memcpy(words, &v6->sin6_addr, sizeof(words));
  }
  std::string text;
  char part[16];
  for (std::size_t n = 0; n < count; ++n) {
    std::snprintf(part, sizeof(part), "%08X", wildcard ? 0 : words[n]);
    text += part;
  }
  std::snprintf(part, sizeof(part), ":%04X", port);
  return text + part;
}

/// Whether a table has a line of a listener (state 0A) there.
Result<bool> table_has_listener(const char* table, const std::string& address) {
  auto text = read_file(table, kMaxTable);
  if (!text && text.error().code == ErrorCode::not_found) return false;
  if (!text) return fail(text.error());
  for (auto at = text->find(": " + address + " "); at != std::string::npos;
       at = text->find(": " + address + " ", at + 1)) {
    const auto state = text->find(' ', at + 2 + address.size() + 1);
    if (state != std::string::npos && text->compare(state + 1, 3, "0A ") == 0) return true;
  }
  return false;
}

}  // namespace

Result<Portal> Portal::parse(std::string_view text) {
  const auto wrong = [] {
    return fail_field(
        "portal",
        "must be a numeric address and a port below 32768, such as \"192.0.2.10:3260\" or "
        "\"[2001:db8::10]:3260\"; a wildcard address is not possible");
  };
  // inet_pton, which is asked below, would not see what comes after a NUL.
  if (!check_portal(text, "portal")) return wrong();
  Portal portal;
  const auto colon = text.rfind(':');
  std::string_view address = text.substr(0, colon);
  const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (bracketed != (address.find(':') != std::string_view::npos)) return wrong();
  portal.address = address;

  const std::string_view digits = text.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), portal.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return wrong();
  if (portal.port == 0 || portal.port >= kFirstEphemeralPort) return wrong();
  const SocketAddress parsed = socket_address(portal);
  if (parsed.size == 0 || parsed.wildcard) return wrong();
  return portal;
}

std::string Portal::str() const {
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

Result<bool> portal_is_listening(const Portal& portal) {
  const SocketAddress address = socket_address(portal);
  const bool v4 = address.storage.ss_family == AF_INET;
  for (const bool wildcard : {false, true}) {
    const std::string text = table_address(address, portal.port, wildcard);
    const auto found = table_has_listener(v4 ? "/proc/net/tcp" : "/proc/net/tcp6", text);
    if (!found || *found) return found;
  }
  if (!v4) return false;
  // A socket for IPv6 on every address takes IPv4 as well.
  SocketAddress any;
  any.storage.ss_family = AF_INET6;
  return table_has_listener("/proc/net/tcp6", table_address(any, portal.port, true));
}

Result<void> check_portal_is_free(const Portal& portal) {
  const SocketAddress address = socket_address(portal);
  FileDescriptor fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(ErrorCode::internal, "no socket: " + errno_text(errno));
  // As tgtd does: connections of a predecessor that linger in TIME_WAIT are no obstacle.
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 &&
      ::listen(fd.get(), 1) == 0) {
    return {};
  }
  if (errno == EADDRINUSE) {
    return fail(ErrorCode::node_unavailable,
                "port " + std::to_string(portal.port) + " of portal " + portal.str() +
                    " is taken by another program; `ss -ltnp` shows which. Stop it or configure "
                    "another portal");
  }
  return fail(ErrorCode::node_unavailable,
              "cannot listen on portal " + portal.str() + ": " + errno_text(errno) +
                  (errno == EADDRNOTAVAIL ? ". Is it an address of this machine?" : ""));
}

}  // namespace vbs::volume_delegate
