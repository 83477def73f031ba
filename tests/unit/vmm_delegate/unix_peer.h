#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "common/file.h"

namespace vbs::test {

/// The far end of a UNIX socket. Serves one client at a time, on a thread of its own.
class UnixPeer {
 public:
  /// Returns when it is done with the client.
  using Serve = std::function<void(const UnixPeer& peer, int fd)>;

  UnixPeer(const std::string& path, Serve serve) : serve_(std::move(serve)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), raw, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] {
      while (readable(listener_.get())) {
        const FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        serve_(*this, client.get());
      }
    });
  }
  ~UnixPeer() {
    stopping_ = true;
    thread_.join();
  }
  UnixPeer(const UnixPeer&) = delete;
  UnixPeer& operator=(const UnixPeer&) = delete;

  /// Waits; false when this object goes.
  bool readable(int fd) const {
    pollfd entry{fd, POLLIN, 0};
    while (!stopping_) {
      if (::poll(&entry, 1, 5) > 0) return true;
    }
    return false;
  }
  /// False when the client has left.
  bool send(int fd, std::string_view bytes) const {
    while (!bytes.empty() && !stopping_) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return false;
    }
    return true;
  }

 private:
  const Serve serve_;
  FileDescriptor listener_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace vbs::test
