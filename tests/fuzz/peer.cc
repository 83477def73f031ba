#include "tests/fuzz/peer.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace vbs::fuzz {

Peer::Peer()
    : path_(folder_.path() / "socket"),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  require(path_.size() < sizeof(address.sun_path), "the path of the socket is short");
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  require(::bind(listener_.get(), name, sizeof(address)) == 0 && ::listen(listener_.get(), 8) == 0,
          "listen");
  thread_ = std::thread([this] { serve(); });
}

Peer::~Peer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void Peer::say(std::string_view text) {
  const std::lock_guard lock(mutex_);
  text_ = text;
}

std::string Peer::what_to_say() {
  const std::lock_guard lock(mutex_);
  return text_;
}

void Peer::serve() {
  while (true) {
    const FileDescriptor client(::accept(listener_.get(), nullptr, nullptr));
    if (!client && (errno == EINTR || errno == ECONNABORTED)) continue;  // libFuzzer has an alarm
    if (!client) return;
    const std::string text = what_to_say();
    std::string_view left = text;
    while (!left.empty()) {
      const ssize_t sent = ::send(client.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(client.get(), SHUT_WR);
    // Until it goes: a socket that is closed with something unread in it breaks the connection.
    std::array<char, 4096> asked{};
    while (::recv(client.get(), asked.data(), asked.size(), 0) > 0) {
    }
  }
}

}  // namespace vbs::fuzz
