#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/file.h"

namespace vbs::test {

/// The far end of a UNIX socket that speaks lines as a test wants it to. Serves one client at a
/// time, as QEMU does.
class ScriptedPeer {
 public:
  /// Bytes to send back for one line; nullopt closes the connection.
  using Answer = std::function<std::optional<std::string>(const std::string& line)>;

  ScriptedPeer(const std::string& path, std::string greeting, Answer answer)
      : greeting_(std::move(greeting)), answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), raw, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedPeer() {
    stopping_ = true;
    thread_.join();
  }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  std::vector<std::string> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

 private:
  bool readable(int fd) const {
    pollfd entry{fd, POLLIN, 0};
    while (!stopping_) {
      if (::poll(&entry, 1, 5) > 0) return true;
    }
    return false;
  }

  /// Stops early when the client has left.
  bool send(int fd, std::string_view bytes) const {
    while (!bytes.empty() && !stopping_) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return false;
    }
    return true;
  }

  void serve() {
    while (readable(listener_.get())) {
      const FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      serve_client(client.get());
    }
  }

  void serve_client(int fd) {
    if (!send(fd, greeting_)) return;
    std::string pending;
    char chunk[4096];
    while (readable(fd)) {
      const ssize_t got = ::recv(fd, chunk, sizeof(chunk), 0);
      if (got <= 0) return;
      pending.append(chunk, static_cast<std::size_t>(got));
      for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        const std::string line = pending.substr(0, end);
        pending.erase(0, end + 1);
        {
          const std::lock_guard lock(mutex_);
          received_.push_back(line);
        }
        const auto bytes = answer_(line);
        if (!bytes || !send(fd, *bytes)) return;
      }
    }
  }

  const std::string greeting_;
  const Answer answer_;
  FileDescriptor listener_;
  mutable std::mutex mutex_;
  std::vector<std::string> received_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace vbs::test
